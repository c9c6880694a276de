"""Refunds: money goes back the way it came, never more than came, each once."""
