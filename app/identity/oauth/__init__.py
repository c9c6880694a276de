"""What the OAuth2 standards ask for beside the login: revocation, introspection, metadata, keys."""
