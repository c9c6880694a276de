"""`/newsletter/confirm` and `/newsletter/unsubscribe`: where links in mails lead. Opening a page changes nothing,
also where a mail program without one click opens what `List-Unsubscribe` names.
"""

from fastapi import APIRouter, Response

from app.identity.verification.pages import make_page

router = APIRouter(include_in_schema=False)

_CONFIRM = make_page(
    "follow_link.html",
    title="Get our newsletter",
    question="Press the button if you want our newsletter.",
    button="Yes, send it to me",
    path="/api/v1/newsletter/confirm",
    done="${body.email} gets our newsletter. You can close this page.",
)
_UNSUBSCRIBE = make_page(
    "follow_link.html",
    title="Unsubscribe from our newsletter",
    question="Press the button if you want our newsletter no more.",
    button="Unsubscribe",
    path="/api/v1/newsletter/unsubscribe?token=${encodeURIComponent(token)}",
    done="You get our newsletter no more. You can close this page.",
)


@router.get("/newsletter/confirm", summary="Page that confirms a subscription")
async def show_newsletter_confirmation() -> Response:
    """Asks whether to go on, then posts the link's token."""
    return _CONFIRM()


@router.get(
    "/api/v1/newsletter/unsubscribe",
    name="show_newsletter_unsubscription_by_header",
    summary="The same, by the header of a mail",
)
@router.get("/newsletter/unsubscribe", summary="Page that ends a subscription")
async def show_newsletter_unsubscription() -> Response:
    """Asks whether to go on, then posts the link's token."""
    return _UNSUBSCRIBE()
