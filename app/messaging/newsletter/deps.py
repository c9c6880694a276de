"""What the newsletter's router asks for."""

from typing import Annotated

from fastapi import Depends, Request

from app.core.db.transaction import SessionDep
from app.core.errors import RateLimited, refuses
from app.core.rate_limit import RateLimiter
from app.identity.authentication.deps import find_caller
from app.identity.emails import address_digest
from app.identity.permissions import Permission
from app.messaging.email.deps import leaving
from app.messaging.email.lists import MailList
from app.messaging.newsletter.schemas import SubscriptionIn
from app.messaging.newsletter.service import NewsletterService


@refuses(RateLimited)
async def get_subscriber_address(request: Request, wanted: SubscriptionIn) -> str:
    """The address to ask. Raises RateLimited when it got too many mails, whoever asked for them."""
    limiter: RateLimiter = request.app.state.rate_limiter
    await limiter.check("mail_address", address_digest(wanted.email))
    return wanted.email


async def find_profile_editor_id(request: Request) -> int | None:
    """The account that calls, if these credentials may change its profile."""
    caller = await find_caller(request)
    return caller.user_id if caller is not None and caller.may(Permission.PROFILE_WRITE) else None


async def get_newsletter_service(session: SessionDep) -> NewsletterService:
    """The newsletter on the request's transaction."""
    return NewsletterService.build(session)


SubscriberAddress = Annotated[str, Depends(get_subscriber_address)]
ProfileEditorId = Annotated[int | None, Depends(find_profile_editor_id)]
LeftSubscription = Annotated[int, Depends(leaving(MailList.NEWSLETTER))]
NewsletterServiceDep = Annotated[NewsletterService, Depends(get_newsletter_service, scope="function")]
