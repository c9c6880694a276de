"""Who calls: from credentials to a principal, and the aliases that routers name.

Above the root of identity (models, tokens, principal, errors) and below its features: accounts, sessions,
api_keys, mfa, passkeys, verification and oauth import it, since their routers name the aliases. It imports
none of them; what it reads of sessions and keys is in its own `queries`.
"""
