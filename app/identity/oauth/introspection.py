"""Access or refresh token, alive or not: what revocation and introspection make of it."""

from fastapi import Request

from app.identity.authentication.principals import principal_of_token
from app.identity.errors import InvalidToken
from app.identity.oauth.schemas import IntrospectionOut
from app.identity.sessions.rotation import RotationService
from app.identity.sessions.service import REFRESH_PREFIX, SessionService
from app.identity.tokens import TokenIssuer


async def introspect(request: Request, rotation: RotationService, token: str) -> IntrospectionOut:
    """What the token is worth now; whatever is wrong with it, the answer is the same."""
    if token.startswith(REFRESH_PREFIX):
        return await _introspect_refresh_token(rotation, token)
    issuer: TokenIssuer = request.app.state.tokens
    try:
        principal = await principal_of_token(request, token)
    except InvalidToken:
        return IntrospectionOut(active=False)
    claims = issuer.read(token)
    return IntrospectionOut(
        active=True,
        scope=" ".join(sorted(principal.permissions)),
        username=principal.username,
        token_type="Bearer",  # noqa: S106 (a type of token, not a secret)
        exp=claims.expires_at,
        iat=claims.issued_at,
        sub=str(principal.user_id),
        aud=issuer.audience,
        iss=issuer.issuer,
        jti=claims.token_id,
        sid=principal.session_id,
    )


async def _introspect_refresh_token(rotation: RotationService, token: str) -> IntrospectionOut:
    found = await rotation.find(token)
    if found is None:
        return IntrospectionOut(active=False)
    return IntrospectionOut(
        active=True,
        scope=" ".join(found.scopes),
        username=found.username,
        exp=int(found.expires_at.timestamp()),
        iat=int(found.created_at.timestamp()),
        sub=str(found.user_id),
        sid=str(found.session_id),
    )


async def revoke(
    issuer: TokenIssuer, rotation: RotationService, sessions: SessionService, token: str
) -> None:
    """End the token's session, so that everything issued with it dies; an unknown token is no error."""
    if token.startswith(REFRESH_PREFIX):
        await rotation.end_by_token(token, None, "revoked")
        return
    try:
        claims = issuer.read(token)
    except InvalidToken:
        return
    await sessions.end(claims.session_id, claims.user_id, "revoked")
