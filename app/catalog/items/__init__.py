"""Sellable units of every kind."""
