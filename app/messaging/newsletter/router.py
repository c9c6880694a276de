"""`/api/v1/newsletter`: double opt-in, and one-click unsubscribe (RFC 8058)."""

from fastapi import APIRouter, Depends, Request

from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.languages import preferred
from app.core.rate_limit import rate_limited
from app.identity.errors import InvalidOneTimeToken
from app.messaging.newsletter.deps import (
    LeftSubscription,
    NewsletterServiceDep,
    ProfileEditorId,
    SubscriberAddress,
)
from app.messaging.newsletter.schemas import SubscriptionAskedOut, SubscriptionOut, SubscriptionProof

router = APIRouter(prefix="/api/v1/newsletter", tags=["newsletter"], route_class=IdempotentRoute)


@router.post(
    "/subscriptions",
    status_code=202,
    summary="Subscribe an address to the newsletter",
    dependencies=[Depends(rate_limited("mail")), IDEMPOTENT],
)
async def subscribe_to_newsletter(
    request: Request, email: SubscriberAddress, caller_id: ProfileEditorId, newsletter: NewsletterServiceDep
) -> SubscriptionAskedOut:
    """Mail the address a link that confirms it. The answer is always the same.

    Nothing comes before the link is followed, and after 48 hours without that the address is deleted. Whoever is
    logged in and has proven this address needs no link. The mail's language is that of `Accept-Language`.
    """
    await newsletter.request(email, preferred(request.headers.get("accept-language")), caller_id)
    return SubscriptionAskedOut()


@router.post(
    "/confirm",
    summary="Confirm a subscription",
    dependencies=[Depends(rate_limited("mail_proof"))],
    responses=problems(InvalidOneTimeToken),
)
async def confirm_newsletter(proof: SubscriptionProof, newsletter: NewsletterServiceDep) -> SubscriptionOut:
    """The token comes from the mail that was sent to the address; from now on it gets the newsletter."""
    return SubscriptionOut(email=await newsletter.confirm(proof.token))


@router.post(
    "/unsubscribe",
    status_code=204,
    summary="Unsubscribe by one click",
)
async def unsubscribe_from_newsletter(
    subscription_id: LeftSubscription, newsletter: NewsletterServiceDep
) -> None:
    """What `List-Unsubscribe` of each newsletter names (RFC 8058): no login and no cookies, the token says all.

    Mail programs send the form `List-Unsubscribe=One-Click`; whatever the body is, it ends the subscription, and
    the second time nothing changes. GET shows a page that asks, so that nobody is unsubscribed by a program that
    follows links.
    """
    await newsletter.unsubscribe(subscription_id)
