"""Tests: everything through the real application, a real PostgreSQL and a real Redis."""
