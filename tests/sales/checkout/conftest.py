"""Servers of their own for what kills them."""

from tests.gunicorn import start_gunicorn

__all__ = ["start_gunicorn"]
