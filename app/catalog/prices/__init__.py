"""Prices over time: what they were, and what is planned."""
