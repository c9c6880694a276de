"""Outgoing webhooks (Standard Webhooks): who registered for what, and what was sent."""
