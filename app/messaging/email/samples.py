"""Values for every mail, so that each can be looked at before anybody gets it."""

from app.messaging.email.templates import Rendered, Template, render

_LINE = {"quantity": 2, "title": "The Left Hand of Darkness", "total": "24.00"}
_VALUES: dict[str, object] = {
    "name": "Ada",
    "username": "ada",
    "shop": "https://shop.example.com",
    "link": "https://shop.example.com/verify-email?token=sample",
    "unsubscribe": "https://shop.example.com/newsletter/unsubscribe?token=sample",
    "minutes": 60,
    "hours": 48,
    "text": "New this week:\n\nThe Left Hand of Darkness, https://shop.example.com/books/1",
    "kind": "price-drop",
    "title": "The Left Hand of Darkness",
    "price": "9.90",
    "moment": "2026-05-05T10:00:00+00:00",
    "new_email": "new@example.com",
    "device": "Firefox on Linux",
    "ip": "192.0.2.1",
    "what": "passkey_added",
    "key_name": "till",
    "hint": "bk_1…",
    "webhook_id": 5,
    "host": "hooks.example.com",
    "why": "failures",
    "number": "BK-2026-000042",
    "reason": "expired",
    "lines": [_LINE],
    "currency": "EUR",
    "total": "24.00",
    "amount": "12.00",
    "carrier": "DHL",
    "tracking": "00340434161094042557",
    "pickup_code": "7413",
    "titles": [{"title": "The Left Hand of Darkness", "author": "Ursula K. Le Guin"}],
    "count": 3,
    "names": ["ada", "grace"],
    "more": 1,
}


def sample(template: Template, language: str) -> Rendered:
    """The mail as somebody would get it."""
    return render(template, language, _VALUES)
