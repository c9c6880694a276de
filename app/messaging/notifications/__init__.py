"""Notifications: what is told to whom, by which channels, as each person chose."""
