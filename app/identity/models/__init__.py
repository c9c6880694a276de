"""Tables of the identity domain, a module per feature."""

from app.identity.models.api_keys import ApiKey
from app.identity.models.mfa import AttemptCount, Passkey, RecoveryCode, TotpSecret
from app.identity.models.sessions import AuthSession, LoginFailure, RefreshToken
from app.identity.models.users import OneTimeToken, User

__all__ = [
    "ApiKey",
    "AttemptCount",
    "AuthSession",
    "LoginFailure",
    "OneTimeToken",
    "Passkey",
    "RecoveryCode",
    "RefreshToken",
    "TotpSecret",
    "User",
]
