"""Who may call: principals from credentials, and permissions as FastAPI security scopes."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import SecurityScopes

from app.core.errors import RateLimited, Use, refusals_of, refuses
from app.core.http.openapi import takes
from app.core.http.problems import problems
from app.core.settings.settings import Settings
from app.identity.authentication.credentials import SCHEMES, bearer_scheme, identify
from app.identity.authentication.csrf import SAFE_METHODS
from app.identity.authentication.principals import principal_of_token
from app.identity.errors import (
    CHALLENGE,
    CsrfRefused,
    DoubledCookie,
    EmailNotVerified,
    InsufficientScope,
    InvalidApiKey,
    InvalidToken,
    MfaEnrolmentRequired,
    NotAuthenticated,
    SessionRequired,
    StepUpRequired,
)
from app.identity.permissions import SESSION_ONLY, Permission, Role, permissions_of
from app.identity.principal import Principal


@takes(*SCHEMES)
@refuses(NotAuthenticated, InvalidToken, InvalidApiKey, DoubledCookie, RateLimited)
@refuses(InsufficientScope, where=lambda use: bool(use.scopes))
@refuses(MfaEnrolmentRequired, where=lambda use: not permissions_of(Role.USER).issuperset(use.scopes))
@refuses(SessionRequired, where=lambda use: not SESSION_ONLY.isdisjoint(use.scopes))
@refuses(CsrfRefused, where=lambda use: use.method not in SAFE_METHODS)
async def get_principal(request: Request, required: SecurityScopes) -> Principal:
    """The caller, whatever the credentials, if they may do what is required.

    Raises NotAuthenticated, SessionRequired, InsufficientScope, MfaEnrolmentRequired, and what `identify` raises.
    """
    return await _authorize(request, required.scopes)


async def require_permission(request: Request, permission: Permission) -> Principal:
    """The caller, who must have the permission, where only some requests to a route need one.

    Raises what `get_principal` raises.
    """
    return await _authorize(request, [permission.value])


async def _authorize(request: Request, scopes: list[str]) -> Principal:
    principal = await identify(request)
    if principal is None:
        raise NotAuthenticated("Send an access token: Authorization: Bearer …", headers=CHALLENGE)
    _remember(request, principal)
    if not SESSION_ONLY.isdisjoint(scopes):
        _require_session(principal)
    for scope in scopes:
        if not principal.may(Permission(scope)):
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            raise InsufficientScope(
                f"This needs the permission {scope}.", headers={"WWW-Authenticate": challenge}
            )
    settings: Settings = request.app.state.settings
    if settings.mfa.required_for_staff and principal.is_staff_by_one_factor:
        return _as_user(principal, scopes)
    return principal


def documented_permission(permission: Permission, method: str = "GET") -> dict[str, Any]:
    """The `openapi_extra` of an operation that calls `require_permission`: credentials may come, or not."""
    ways = [{scheme.scheme_name: [permission.value]} for scheme in SCHEMES]
    refusals = problems(*refusals_of(get_principal, Use(method, [permission.value])))
    return {
        "security": [{}, *ways],
        "responses": {str(status): response for status, response in refusals.items()},
    }


async def find_caller(request: Request) -> Principal | None:
    """Who calls, where credentials come that are valid; None for anybody else, whatever they sent."""
    try:
        principal = await identify(request)
    except (InvalidToken, InvalidApiKey, CsrfRefused, DoubledCookie):
        return None
    settings: Settings = request.app.state.settings
    if principal is not None and settings.mfa.required_for_staff and principal.is_staff_by_one_factor:
        return _as_user(principal, [])
    return principal


@refuses(InvalidToken)
async def get_token_bearer(
    request: Request, bearer: Annotated[str | None, Depends(bearer_scheme)]
) -> Principal | None:
    """The owner of the access token in the header; None without one. Raises InvalidToken."""
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


def _require_session(principal: Principal) -> None:
    if principal.api_key_id is not None:
        raise SessionRequired("An API key cannot do this; log in and send the access token.")


def _as_user(staff: Principal, scopes: list[str]) -> Principal:
    """Staff that logged in by password alone may do what any user may. Raises MfaEnrolmentRequired."""
    ordinary = permissions_of(Role.USER)
    for scope in scopes:
        if Permission(scope) not in ordinary:
            raise MfaEnrolmentRequired(
                "Log in with your second factor; set one up at /api/v1/auth/mfa/totp or /api/v1/auth/passkeys."
            )
    return replace(staff, permissions=staff.permissions & ordinary)


@refuses(SessionRequired)
async def get_session_user(principal: Annotated[Principal, Security(get_principal)]) -> Principal:
    """The caller, logged in by themselves. Raises SessionRequired for an API key."""
    _require_session(principal)
    return principal


@refuses(StepUpRequired)
async def get_fresh_user(principal: Annotated[Principal, Depends(get_session_user)]) -> Principal:
    """The caller, who has proven who they are just now. Raises StepUpRequired."""
    principal.require_fresh()
    return principal


@refuses(EmailNotVerified)
async def get_seller(
    request: Request,
    principal: Annotated[Principal, Security(get_principal, scopes=[Permission.ITEMS_WRITE.value])],
) -> Principal:
    """The caller, who may sell. Raises EmailNotVerified where the shop asks for a proven address."""
    if not principal.is_verified and request.app.state.settings.require_verified_email:
        raise EmailNotVerified(
            "Follow the link in the mail we sent; `POST /auth/verify-email/request` sends another."
        )
    return principal


CURRENT_USER = Security(get_principal)
SESSION_USER = Depends(get_session_user)
FRESH_USER = Depends(get_fresh_user)
PROFILE_READER = Security(get_principal, scopes=[Permission.PROFILE_READ.value])
PROFILE_EDITOR = Security(get_session_user, scopes=[Permission.PROFILE_WRITE.value])
FRESH_PROFILE_EDITOR = Security(get_fresh_user, scopes=[Permission.PROFILE_WRITE.value])
SELLER = Depends(get_seller)
CATALOG_MANAGER = Security(get_principal, scopes=[Permission.CATALOG_MANAGE.value])
CATALOG_TRANSFERRER = Security(get_principal, scopes=[Permission.CATALOG_TRANSFER.value])
DISCOUNT_MANAGER = Security(get_principal, scopes=[Permission.DISCOUNTS_MANAGE.value])
INVENTORY_COUNTER = Security(get_principal, scopes=[Permission.INVENTORY_COUNT.value])
INVENTORY_READER = Security(get_principal, scopes=[Permission.INVENTORY_READ.value])
INVENTORY_MANAGER = Security(get_principal, scopes=[Permission.INVENTORY_MANAGE.value])
JOBS_READER = Security(get_principal, scopes=[Permission.JOBS_READ.value])
JOBS_MANAGER = Security(get_principal, scopes=[Permission.JOBS_MANAGE.value])
ORDER_READER = Security(get_principal, scopes=[Permission.ORDERS_READ.value])
BUYER = Security(get_principal, scopes=[Permission.ORDERS_WRITE.value])
ORDER_MANAGER = Security(get_principal, scopes=[Permission.ORDERS_MANAGE.value])
REFUNDER = Security(get_principal, scopes=[Permission.ORDERS_REFUND.value])
SHOP_MANAGER = Security(get_principal, scopes=[Permission.SHOP_MANAGE.value])
TILL_SELLER = Security(get_principal, scopes=[Permission.TILL_SELL.value])
AUDITOR = Security(get_principal, scopes=[Permission.AUDIT_READ.value])
ROLE_ASSIGNER = Security(get_principal, scopes=[Permission.ROLES_ASSIGN.value])
STATS_READER = Security(get_principal, scopes=[Permission.STATS_READ.value])
TOKEN_INSPECTOR = Security(get_principal, scopes=[Permission.TOKENS_INTROSPECT.value])
USER_ADMIN = Security(get_principal, scopes=[Permission.USERS_MANAGE.value])
USER_READER = Security(get_principal, scopes=[Permission.USERS_READ.value])

# Who calls: as a parameter where the endpoint reads it, else `dependencies=[CATALOG_MANAGER]`.
CurrentUser = Annotated[Principal, CURRENT_USER]
SessionUser = Annotated[Principal, SESSION_USER]
FreshUser = Annotated[Principal, FRESH_USER]
ProfileReader = Annotated[Principal, PROFILE_READER]
ProfileEditor = Annotated[Principal, PROFILE_EDITOR]
FreshProfileEditor = Annotated[Principal, FRESH_PROFILE_EDITOR]
Seller = Annotated[Principal, SELLER]
CatalogManager = Annotated[Principal, CATALOG_MANAGER]
CatalogTransferrer = Annotated[Principal, CATALOG_TRANSFERRER]
DiscountManager = Annotated[Principal, DISCOUNT_MANAGER]
InventoryCounter = Annotated[Principal, INVENTORY_COUNTER]
InventoryManager = Annotated[Principal, INVENTORY_MANAGER]
OrderReader = Annotated[Principal, ORDER_READER]
Buyer = Annotated[Principal, BUYER]
OrderManager = Annotated[Principal, ORDER_MANAGER]
Refunder = Annotated[Principal, REFUNDER]
TillSeller = Annotated[Principal, TILL_SELLER]
RoleAssigner = Annotated[Principal, ROLE_ASSIGNER]
StatsReader = Annotated[Principal, STATS_READER]
UserAdmin = Annotated[Principal, USER_ADMIN]
TokenBearer = Annotated[Principal | None, Depends(get_token_bearer)]
