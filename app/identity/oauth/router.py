"""Revocation (RFC 7009), introspection (RFC 7662), metadata (RFC 8414) and keys (RFC 7517)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from app.core.rate_limit import rate_limited
from app.core.settings.settings import Settings
from app.identity.authentication.deps import TOKEN_INSPECTOR
from app.identity.oauth.introspection import introspect, revoke
from app.identity.oauth.schemas import IntrospectionOut, KeyOut, KeySetOut, OneTokenForm, ServerMetadataOut
from app.identity.permissions import Permission
from app.identity.sessions.deps import RotationServiceDep, SessionServiceDep, no_store

router = APIRouter(tags=["sessions"])
_KEPT_FOR = "public, max-age=300"


@router.post(
    "/api/v1/auth/revoke",
    summary="Revoke a token",
    dependencies=[Depends(no_store), Depends(rate_limited("refresh"))],
)
async def revoke_token(
    request: Request,
    rotation: RotationServiceDep,
    sessions: SessionServiceDep,
    form: Annotated[OneTokenForm, Form()],
) -> None:
    """End the session of an access or refresh token (RFC 7009). A token that works no more is no error."""
    await revoke(request.app.state.tokens, rotation, sessions, form.token)


@router.post(
    "/api/v1/auth/introspect",
    summary="Ask what a token is worth",
    response_model_exclude_none=True,
    dependencies=[Depends(no_store), TOKEN_INSPECTOR],
)
async def introspect_token(
    request: Request,
    rotation: RotationServiceDep,
    form: Annotated[OneTokenForm, Form()],
) -> IntrospectionOut:
    """Whether an access or refresh token works now, whose it is and what it grants (RFC 7662)."""
    return await introspect(request, rotation, form.token)


@router.get("/.well-known/oauth-authorization-server", summary="Describe the authorization server")
async def get_server_metadata(request: Request, response: Response) -> ServerMetadataOut:
    """Where tokens are got, revoked and judged (RFC 8414)."""
    response.headers["Cache-Control"] = _KEPT_FOR
    settings: Settings = request.app.state.settings
    base = settings.public_url.rstrip("/")
    return ServerMetadataOut(
        issuer=request.app.state.tokens.issuer,
        token_endpoint=f"{base}/api/v1/auth/token",
        revocation_endpoint=f"{base}/api/v1/auth/revoke",
        introspection_endpoint=f"{base}/api/v1/auth/introspect",
        jwks_uri=f"{base}/.well-known/jwks.json",
        service_documentation=f"{base}/docs" if settings.shows_docs else None,
        scopes_supported=sorted(Permission),
        response_types_supported=[],
        grant_types_supported=["password"],
        token_endpoint_auth_methods_supported=["none"],
        revocation_endpoint_auth_methods_supported=["none"],
        introspection_endpoint_auth_methods_supported=["bearer"],
    )


@router.get("/.well-known/jwks.json", summary="The keys that tokens are checked with")
async def get_keys(request: Request, response: Response) -> KeySetOut:
    """The public Ed25519 keys by `kid`, the signing one first; none with the default HS256."""
    response.headers["Cache-Control"] = _KEPT_FOR
    return KeySetOut(keys=[KeyOut(**key) for key in request.app.state.tokens.keys.public_set()])
