"""Sending webhooks: what is due is claimed, signed, posted and recorded."""
