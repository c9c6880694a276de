"""`/follows/unsubscribe`: where the links in digests lead. Opening the page changes nothing, also where a mail program
without one click opens what `List-Unsubscribe` names.
"""

from fastapi import APIRouter, Response

from app.identity.verification.pages import make_page

router = APIRouter(include_in_schema=False)

_UNSUBSCRIBE = make_page(
    "follow_link.html",
    title="No more mails about news",
    question="Press the button if you want no more mails about what is new by those you follow.",
    button="Unsubscribe",
    path="/api/v1/follows/unsubscribe?token=${encodeURIComponent(token)}",
    done="You get no more such mails. You can close this page.",
)


@router.get(
    "/api/v1/follows/unsubscribe",
    name="show_follows_unsubscription_by_header",
    summary="The same, by the header of a mail",
)
@router.get("/follows/unsubscribe", summary="Page that ends mails about news")
async def show_follows_unsubscription() -> Response:
    """Asks whether to go on, then posts the link's token."""
    return _UNSUBSCRIBE()
