"""What the router of passkeys asks for."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.core.db.transaction import SessionDep
from app.identity.passkeys.service import PasskeyLogin, PasskeyService


async def get_passkey_service(request: Request, response: Response, session: SessionDep) -> PasskeyService:
    """Passkeys on the request's transaction; answers are nobody else's."""
    response.headers["Cache-Control"] = "private, no-store"
    return PasskeyService.build(session, request.app.state.tokens, request.app.state.settings)


async def get_passkey_login(request: Request, response: Response, session: SessionDep) -> PasskeyLogin:
    """Logging in with passkeys on the request's transaction; answers are nobody else's."""
    response.headers["Cache-Control"] = "private, no-store"
    return PasskeyLogin.build(session, request.app.state.tokens, request.app.state.settings)


PasskeyDep = Annotated[PasskeyService, Depends(get_passkey_service, scope="function")]
PasskeyLoginDep = Annotated[PasskeyLogin, Depends(get_passkey_login, scope="function")]
