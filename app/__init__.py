"""A bookstore's backend: one REST API on FastAPI, PostgreSQL and Redis."""

__version__ = "0.1.0"
