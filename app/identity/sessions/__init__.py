"""Logging in: access tokens."""
