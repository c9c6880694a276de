"""What the router of alerts asks for."""

from typing import Annotated

from fastapi import Depends, Query, Request

from app.catalog.goods.errors import ItemNotFound
from app.core.db.transaction import SessionDep
from app.core.errors import RateLimited, refuses
from app.core.rate_limit import RateLimiter
from app.core.settings.settings import Settings
from app.identity.emails import address_digest
from app.messaging.alerts.errors import AlertNotFound, InvalidAlertToken
from app.messaging.alerts.schemas import AlertIn
from app.messaging.alerts.service import AlertService
from app.messaging.email.lists import MailList, unsubscribed_target


@refuses(RateLimited)
async def get_wanted_alert(request: Request, wanted: AlertIn) -> AlertIn:
    """What is asked for. Raises RateLimited when the address got too many mails, whoever asked for them."""
    limiter: RateLimiter = request.app.state.rate_limiter
    await limiter.check("mail_address", address_digest(wanted.email))
    return wanted


@refuses(InvalidAlertToken)
async def get_ended_alert(
    request: Request,
    token: Annotated[str, Query(max_length=200, description="As the link in the mail has it.")],
) -> int:
    """The alert that the token ends. Raises InvalidAlertToken."""
    settings: Settings = request.app.state.settings
    target_id = unsubscribed_target(settings.jwt, MailList.ALERT, token)
    if target_id is None:
        raise InvalidAlertToken("Take the whole link from the newest of our mails.")
    return target_id


@refuses(ItemNotFound, where=lambda use: use.method == "PUT")
@refuses(AlertNotFound, where=lambda use: use.method == "DELETE")
async def get_alert_service(session: SessionDep) -> AlertService:
    """Alerts on the request's transaction."""
    return AlertService.build(session)


WantedAlert = Annotated[AlertIn, Depends(get_wanted_alert)]
EndedAlert = Annotated[int, Depends(get_ended_alert)]
AlertServiceDep = Annotated[AlertService, Depends(get_alert_service, scope="function")]
