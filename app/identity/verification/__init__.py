"""Proving e-mail addresses and resetting passwords by one-time tokens."""
