"""`/verify-email`, `/stop-email-change` and `/reset-password`: where the links in mails lead. Opening a page changes nothing.

The pages are the same bytes for everybody: the token stays in the browser, which posts it to
the API when the reader says so.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fastapi import APIRouter, Response
from jinja2 import StrictUndefined, Template

router = APIRouter(include_in_schema=False)


def make_page(name: str, **words: str) -> Callable[[], Response]:
    """Makes answers: the page with these words, with headers that allow its own script and style and calls to this host,
    nothing else.
    """
    source = Path(__file__).with_name(name).read_text(encoding="utf-8")
    text = Template(source, undefined=StrictUndefined, autoescape=True).render(words)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hash_of('script', text)}",
            f"style-src {_hash_of('style', text)}",
            "connect-src 'self'",
            "form-action 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }
    return partial(Response, text.encode(), headers=headers, media_type="text/html")


def _hash_of(element: str, text: str) -> str:
    content = re.findall(f"<{element}>(.*?)</{element}>", text, re.DOTALL)[0]
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


_VERIFY_EMAIL = make_page(
    "follow_link.html",
    title="Verify your e-mail address",
    question="Press the button to confirm that this address is yours.",
    button="Confirm",
    path="/api/v1/auth/verify-email",
    done="${body.email} is verified. You can close this page.",
)
_STOP_EMAIL_CHANGE = make_page(
    "follow_link.html",
    title="Keep your e-mail address",
    question="Somebody asked to use another address for your account. Press the button if it was not you: the"
    " address stays, and every device is logged out.",
    button="Keep my address",
    path="/api/v1/auth/email-change/stop",
    done="Your address stays. Choose a new password now, since somebody may know yours.",
)
_RESET_PASSWORD = make_page("reset_password.html")


@router.get("/verify-email", summary="Page that proves an e-mail address")
async def show_email_verification() -> Response:
    """Asks whether to go on, then posts the link's token."""
    return _VERIFY_EMAIL()


@router.get("/stop-email-change", summary="Page that stops a change of e-mail address")
async def show_email_change_stop() -> Response:
    """Asks whether to go on, then posts the link's token."""
    return _STOP_EMAIL_CHANGE()


@router.get("/reset-password", summary="Page that sets a new password")
async def show_password_reset() -> Response:
    """Asks for the new password, then posts it with the link's token."""
    return _RESET_PASSWORD()
