"""`/alerts/confirm` and `/alerts/end`: where links in mails lead. Opening a page changes nothing,
also where a mail program without one click opens what `List-Unsubscribe` names.
"""

from fastapi import APIRouter, Response

from app.identity.verification.pages import make_page

router = APIRouter(include_in_schema=False)

_CONFIRM = make_page(
    "follow_link.html",
    title="Confirm your alert",
    question="Press the button if you want to hear of it.",
    button="Yes, tell me",
    path="/api/v1/alerts/confirm",
    done="You will hear of it. You can close this page.",
)
_END = make_page(
    "follow_link.html",
    title="End your alert",
    question="Press the button if you want to hear of it no more.",
    button="End this alert",
    path="/api/v1/alerts/end?token=${encodeURIComponent(token)}",
    done="You will hear of it no more. You can close this page.",
)


@router.get("/alerts/confirm", summary="Page that confirms an alert")
async def show_alert_confirmation() -> Response:
    """Asks whether to go on, then posts the link's token."""
    return _CONFIRM()


@router.get(
    "/api/v1/alerts/end", name="show_alert_end_by_header", summary="The same, by the header of a mail"
)
@router.get("/alerts/end", summary="Page that ends an alert")
async def show_alert_end() -> Response:
    """Asks whether to go on, then posts the link's token."""
    return _END()
