"""Real Gunicorn servers for these tests."""

from tests.gunicorn import start_gunicorn

__all__ = ["start_gunicorn"]
