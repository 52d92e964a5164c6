"""The pages in ``docs/reference``, generated from what the code says of itself."""
