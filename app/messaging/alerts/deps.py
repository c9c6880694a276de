"""What the router of alerts asks for."""

from typing import Annotated

from fastapi import Depends, Request

from app.catalog.goods.errors import ItemNotFound
from app.core.db.transaction import SessionDep
from app.core.errors import RateLimited, refuses
from app.core.rate_limit import RateLimiter
from app.identity.emails import address_digest
from app.messaging.alerts.errors import AlertNotFound
from app.messaging.alerts.schemas import AlertIn
from app.messaging.alerts.service import AlertService
from app.messaging.email.deps import leaving
from app.messaging.email.lists import MailList


@refuses(RateLimited)
async def get_wanted_alert(request: Request, wanted: AlertIn) -> AlertIn:
    """What is asked for. Raises RateLimited when the address got too many mails, whoever asked for them."""
    limiter: RateLimiter = request.app.state.rate_limiter
    await limiter.check("mail_address", address_digest(wanted.email))
    return wanted


@refuses(ItemNotFound, where=lambda use: use.method == "PUT")
@refuses(AlertNotFound, where=lambda use: use.method == "DELETE")
async def get_alert_service(session: SessionDep) -> AlertService:
    """Alerts on the request's transaction."""
    return AlertService.build(session)


WantedAlert = Annotated[AlertIn, Depends(get_wanted_alert)]
EndedAlert = Annotated[int, Depends(leaving(MailList.ALERT))]
AlertServiceDep = Annotated[AlertService, Depends(get_alert_service, scope="function")]
