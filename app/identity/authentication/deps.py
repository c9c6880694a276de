"""Who may call: principals from credentials, and permissions as FastAPI security scopes."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader, OAuth2PasswordBearer, SecurityScopes

from app.core.errors import RateLimited, Use, refusals_of, refuses
from app.core.http.problems import problems
from app.core.settings.settings import Settings
from app.identity.api_keys.authentication import principal_of_key
from app.identity.api_keys.errors import InvalidApiKey, SessionRequired
from app.identity.authentication.principals import (
    OwnAccountAnswer,
    get_account_answer,
    get_live_session,
    principal_of_session,
)
from app.identity.errors import (
    CHALLENGE,
    CsrfRefused,
    EmailNotVerified,
    InsufficientScope,
    InvalidToken,
    NotAuthenticated,
)
from app.identity.mfa.errors import MfaEnrolmentRequired
from app.identity.mfa.second_factor import needs_second_factor
from app.identity.permissions import DESCRIPTIONS, Permission, Role, permissions_of
from app.identity.principal import Principal
from app.identity.sessions.browser import ACCESS_COOKIE, SAFE_METHODS, BrowserGuard
from app.identity.tokens import TokenIssuer

_bearer = OAuth2PasswordBearer(
    tokenUrl="/api/v1/auth/token",
    scopes={permission.value: text for permission, text in DESCRIPTIONS.items()},
    description="Log in with user name or e-mail address and password.",
    auto_error=False,
)
_api_key = APIKeyHeader(
    name="X-API-Key",
    description="A key for programs, made at `POST /api/v1/api-keys`; a Bearer token beside it wins.",
    auto_error=False,
)


_cookie = APIKeyCookie(
    name=ACCESS_COOKIE,
    description="Set by `POST /api/v1/auth/login`; a write needs `Origin` and `X-CSRF-Token` besides.",
    auto_error=False,
)


@refuses(NotAuthenticated, InvalidToken, InvalidApiKey, RateLimited)
@refuses(InsufficientScope, where=lambda use: bool(use.scopes))
@refuses(MfaEnrolmentRequired, where=lambda use: not permissions_of(Role.USER).issuperset(use.scopes))
@refuses(CsrfRefused, where=lambda use: use.method not in SAFE_METHODS)
async def get_principal(
    request: Request,
    required: SecurityScopes,
    bearer: Annotated[str | None, Depends(_bearer)],
    api_key: Annotated[str | None, Depends(_api_key)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> Principal:
    """The caller, whatever the credentials; NotAuthenticated, InvalidToken, InvalidApiKey, InsufficientScope.

    A write by cookie must show that a page of ours sent it: CsrfRefused.
    """
    if bearer is not None:
        principal = await principal_of_token(request, bearer)
    elif api_key is not None:
        principal = await principal_of_key(request, api_key)
    elif cookie is not None:
        principal = await _principal_of_cookie(request, cookie)
    else:
        raise NotAuthenticated("Send an access token: Authorization: Bearer …", headers=CHALLENGE)
    _remember(request, principal)
    for scope in required.scopes:
        if not principal.may(Permission(scope)):
            raise _insufficient(scope)
    settings: Settings = request.app.state.settings
    if settings.mfa.required_for_staff and needs_second_factor(principal):
        return _as_user(principal, required)
    return principal


async def require_permission(request: Request, permission: Permission) -> Principal:
    """The caller, who must have the permission, where only some requests to a route need one.

    Errors of `get_principal`.
    """
    credentials = await _bearer(request), await _api_key(request), await _cookie(request)
    return await get_principal(request, SecurityScopes([permission.value]), *credentials)


def documented_permission(permission: Permission) -> dict[str, Any]:
    """The `openapi_extra` of a GET that calls `require_permission`: credentials may come, or not."""
    ways = [{scheme.scheme_name: [permission.value]} for scheme in (_bearer, _api_key, _cookie)]
    refusals = problems(*refusals_of(get_principal, Use("GET", [permission.value])))
    return {
        "security": [{}, *ways],
        "responses": {str(status): response for status, response in refusals.items()},
    }


async def principal_of_token(request: Request, token: str) -> Principal:
    """The owner of an access token whose session is under way; what it grants is cut to the role *now*."""
    issuer: TokenIssuer = request.app.state.tokens
    claims = issuer.read(token)
    session = await get_live_session(request.app.state.cache, request.app.state.database, claims)
    return principal_of_session(session, claims.scopes)


async def _principal_of_cookie(request: Request, token: str) -> Principal:
    principal = await principal_of_token(request, token)
    if request.method not in SAFE_METHODS:
        browser: BrowserGuard = request.app.state.browser
        if browser.check_write(request.headers) != principal.session_id:
            raise CsrfRefused("The CSRF token belongs to another session; read the cookie again.")
    return principal


async def find_caller(request: Request) -> Principal | None:
    """Who calls, where credentials come that are valid; None for anybody else, whatever they sent."""
    bearer, api_key = await _bearer(request), await _api_key(request)
    try:
        if bearer is not None:
            return await principal_of_token(request, bearer)
        return None if api_key is None else await principal_of_key(request, api_key)
    except (InvalidToken, InvalidApiKey):
        return None


@refuses(InvalidToken)
async def get_token_bearer(
    request: Request, bearer: Annotated[str | None, Depends(_bearer)]
) -> Principal | None:
    """The owner of the access token in the header; None without one. InvalidToken."""
    if bearer is None:
        return None
    principal = await principal_of_token(request, bearer)
    _remember(request, principal)
    return principal


def _remember(request: Request, principal: Principal) -> None:
    """For the log and for audit entries."""
    state = request.scope["state"]
    state["user_id"] = principal.user_id
    state["session_id"] = principal.session_id
    state["api_key_id"] = principal.api_key_id


def _as_user(staff: Principal, required: SecurityScopes) -> Principal:
    """Staff that logged in by password alone may do what any user may. MfaEnrolmentRequired for the rest."""
    ordinary = permissions_of(Role.USER)
    for scope in required.scopes:
        if Permission(scope) not in ordinary:
            raise MfaEnrolmentRequired(
                "Log in with your second factor; set one up at /api/v1/auth/mfa/totp or /api/v1/auth/passkeys."
            )
    return replace(staff, permissions=staff.permissions & ordinary)


def _insufficient(scope: str) -> InsufficientScope:
    challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
    return InsufficientScope(f"This needs the permission {scope}.", headers={"WWW-Authenticate": challenge})


async def get_own_account(
    request: Request, principal: Annotated[Principal, Security(get_principal)]
) -> OwnAccountAnswer:
    """The caller's account as it is now. Raises InvalidToken when it is gone."""
    state = request.app.state
    return await get_account_answer(state.cache, state.database, principal.user_id)


@refuses(SessionRequired)
async def get_session_user(principal: Annotated[Principal, Security(get_principal)]) -> Principal:
    """The caller, logged in by themselves; SessionRequired for an API key."""
    if principal.api_key_id is not None:
        raise SessionRequired("An API key cannot do this; log in and send the access token.")
    return principal


@refuses(EmailNotVerified)
async def get_seller(
    request: Request,
    principal: Annotated[Principal, Security(get_principal, scopes=[Permission.ITEMS_WRITE.value])],
) -> Principal:
    """The caller, who may sell; EmailNotVerified where the shop asks for a proven address."""
    if not principal.is_verified and request.app.state.settings.require_verified_email:
        raise EmailNotVerified(
            "Follow the link in the mail we sent; `POST /auth/verify-email/request` sends another."
        )
    return principal


CURRENT_USER = Security(get_principal)
SESSION_USER = Depends(get_session_user)
SELLER = Depends(get_seller)
CATALOG_MANAGER = Security(get_principal, scopes=[Permission.CATALOG_MANAGE.value])
CATALOG_TRANSFERRER = Security(get_principal, scopes=[Permission.CATALOG_TRANSFER.value])
AUDITOR = Security(get_principal, scopes=[Permission.AUDIT_READ.value])
ROLE_ASSIGNER = Security(get_principal, scopes=[Permission.ROLES_ASSIGN.value])
STATS_READER = Security(get_principal, scopes=[Permission.STATS_READ.value])
TOKEN_INSPECTOR = Security(get_principal, scopes=[Permission.TOKENS_INTROSPECT.value])
USER_ADMIN = Security(get_principal, scopes=[Permission.USERS_MANAGE.value])
USER_READER = Security(get_principal, scopes=[Permission.USERS_READ.value])

# Who calls: as a parameter where the endpoint reads it, else `dependencies=[CATALOG_MANAGER]`.
CurrentUser = Annotated[Principal, CURRENT_USER]
SessionUser = Annotated[Principal, SESSION_USER]
Seller = Annotated[Principal, SELLER]
CatalogManager = Annotated[Principal, CATALOG_MANAGER]
CatalogTransferrer = Annotated[Principal, CATALOG_TRANSFERRER]
Auditor = Annotated[Principal, AUDITOR]
RoleAssigner = Annotated[Principal, ROLE_ASSIGNER]
StatsReader = Annotated[Principal, STATS_READER]
TokenInspector = Annotated[Principal, TOKEN_INSPECTOR]
UserAdmin = Annotated[Principal, USER_ADMIN]
UserReader = Annotated[Principal, USER_READER]
TokenBearer = Annotated[Principal | None, Depends(get_token_bearer)]
OwnAccount = Annotated[OwnAccountAnswer, Depends(get_own_account)]
