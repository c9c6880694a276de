"""What the router of webhooks asks for. Programs register webhooks too, so API keys may."""

from typing import Annotated

from fastapi import Depends, Request, Security

from app.core.db.transaction import SessionDep
from app.core.errors import refuses
from app.identity.authentication.deps import get_principal
from app.identity.errors import StepUpRequired
from app.identity.permissions import Permission
from app.identity.principal import Principal
from app.messaging.webhooks.errors import WebhookNotFound
from app.messaging.webhooks.service import WebhookService


@refuses(WebhookNotFound, where=lambda use: use.method != "POST")
async def get_webhook_service(request: Request, session: SessionDep) -> WebhookService:
    """Webhooks on the request's transaction."""
    state = request.app.state
    return WebhookService.build(session, state.settings, state.outbound)


WebhookServiceDep = Annotated[WebhookService, Depends(get_webhook_service, scope="function")]
WebhookOwner = Annotated[Principal, Security(get_principal, scopes=[Permission.PROFILE_WRITE.value])]


@refuses(StepUpRequired)
async def get_webhook_keeper(owner: WebhookOwner) -> Principal:
    """The owner, who may have events sent somewhere: that outlives a session, so it must be fresh. Raises StepUpRequired.

    An API key was made by a fresh session that gave it the scope.
    """
    if owner.api_key_id is None:
        owner.require_fresh()
    return owner


WebhookKeeper = Annotated[Principal, Depends(get_webhook_keeper)]
