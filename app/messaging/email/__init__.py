"""Mails: queued once per event, template and recipient, rendered when they are sent."""
