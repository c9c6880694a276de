"""Scheduled jobs, events on their way, and dead letters, for operators."""
