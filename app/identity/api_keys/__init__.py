"""API keys: access for programs, without a login."""
