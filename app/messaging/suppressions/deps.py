"""What the router of suppressed addresses asks for."""

import hmac
from typing import Annotated

from fastapi import Depends, Header, Request

from app.core.db.transaction import SessionDep
from app.core.errors import refuses
from app.core.settings.settings import Settings
from app.messaging.suppressions.errors import AlreadySuppressed, BounceRefused, SuppressionNotFound
from app.messaging.suppressions.service import SuppressionService


@refuses(BounceRefused)
async def check_bounce_secret(
    request: Request,
    x_bounce_secret: Annotated[
        str, Header(description="The secret that the shop and its mail provider share.")
    ] = "",
) -> None:
    """Let in who knows the secret. Raises BounceRefused."""
    settings: Settings = request.app.state.settings
    secret = settings.mail.bounce_secret
    given = x_bounce_secret.encode("utf-8", "replace")
    if secret is None or not hmac.compare_digest(secret.get_secret_value().encode(), given):
        raise BounceRefused("Send the secret that MAIL_BOUNCE_SECRET holds as X-Bounce-Secret.")


@refuses(AlreadySuppressed, where=lambda use: use.method == "POST")
@refuses(SuppressionNotFound, where=lambda use: use.method == "DELETE")
async def get_suppression_service(session: SessionDep) -> SuppressionService:
    """Suppressed addresses on the request's transaction."""
    return SuppressionService.build(session)


BOUNCE_SECRET = Depends(check_bounce_secret)
SuppressionServiceDep = Annotated[SuppressionService, Depends(get_suppression_service, scope="function")]
