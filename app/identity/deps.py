"""Who may call: principals from access tokens, and permissions as FastAPI security scopes."""

from typing import Annotated

import orjson
from fastapi import Depends, Request, Security
from fastapi.security import OAuth2PasswordBearer, SecurityScopes
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.answers import PRIVATE, Document, make_entry
from app.core.cache import Entry, HotCache
from app.core.db import Database
from app.identity.accounts.service import account_group, read_account
from app.identity.errors import CHALLENGE, InsufficientScope, NotAuthenticated
from app.identity.permissions import DESCRIPTIONS, Permission, Role, permissions_of
from app.identity.principal import Principal
from app.identity.tokens import AccessClaims, TokenIssuer, invalid_token

_bearer = OAuth2PasswordBearer(
    tokenUrl="/api/v1/auth/token",
    scopes={permission.value: text for permission, text in DESCRIPTIONS.items()},
    description="Log in with user name or e-mail address and password.",
    auto_error=False,
)


async def get_claims(request: Request, token: Annotated[str | None, Depends(_bearer)]) -> AccessClaims:
    """The claims of the request's token; NotAuthenticated, InvalidToken."""
    if token is None:
        raise NotAuthenticated("Send an access token: Authorization: Bearer …", headers=CHALLENGE)
    issuer: TokenIssuer = request.app.state.tokens
    return issuer.read(token)


async def get_account_entry(request: Request, claims: Annotated[AccessClaims, Depends(get_claims)]) -> Entry:
    """The caller's account as it is now, from the hot cache; InvalidToken when it is gone or closed."""
    database: Database = request.app.state.database
    cache: HotCache = request.app.state.cache
    group = account_group(claims.user_id)

    async def load() -> Entry:
        async with database.reading() as connection:
            document = await _read(connection, claims.user_id)
        return make_entry(document, cache_control=PRIVATE)

    return await cache.get(group, group, load)


async def _read(connection: AsyncConnection, user_id: int) -> Document:
    document = await read_account(connection, user_id)
    if document is None:
        raise invalid_token("The account of this token is gone.")
    return document


async def get_principal(
    request: Request,
    required: SecurityScopes,
    claims: Annotated[AccessClaims, Depends(get_claims)],
    entry: Annotated[Entry, Depends(get_account_entry)],
) -> Principal:
    """The caller; what the token grants is cut to what the role allows *now*.

    InvalidToken when the account is closed, InsufficientScope when a permission is missing.
    """
    account = orjson.loads(entry.body)
    if not account["is_active"]:
        raise invalid_token("The account of this token is closed.")
    request.scope["state"]["user_id"] = claims.user_id
    role = Role(account["role"])
    principal = Principal(
        user_id=claims.user_id,
        username=account["username"],
        role=role,
        permissions=frozenset(permissions_of(role) & claims.scopes),
    )
    for scope in required.scopes:
        if not principal.may(Permission(scope)):
            raise _insufficient(scope)
    return principal


def _insufficient(scope: str) -> InsufficientScope:
    challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
    return InsufficientScope(f"This needs the permission {scope}.", headers={"WWW-Authenticate": challenge})


OwnAccount = Annotated[Entry, Depends(get_account_entry)]
CurrentUser = Annotated[Principal, Security(get_principal)]
Seller = Annotated[Principal, Security(get_principal, scopes=[Permission.ITEMS_WRITE.value])]
CatalogManager = Annotated[Principal, Security(get_principal, scopes=[Permission.CATALOG_MANAGE.value])]
