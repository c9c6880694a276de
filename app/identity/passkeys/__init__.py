"""Passkeys (WebAuthn): a login without a password, which proves its user as well."""
