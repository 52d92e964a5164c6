"""A fuzzer for the engine: ``python -m tests.fuzz``.

Schemathesis draws requests from the served OpenAPI, valid ones and others, and
judges each answer by it; every role that a caller can have sends its own.
"""
