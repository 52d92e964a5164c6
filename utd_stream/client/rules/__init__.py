"""What a session decides: pure functions over what it knows.

Nothing in here reaches network, clock or chance; `tests/test_layers.py` says so.
"""
