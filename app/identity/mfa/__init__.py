"""The second factor: TOTP and recovery codes (RFC 6238)."""
