"""The mails' words: Jinja2 templates in `templates/`, a text and an HTML file each."""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

_FOLDER = Path(__file__).with_name("templates")


class Template(StrEnum):
    """Which mail it is."""

    WELCOME = "welcome"
    VERIFY = "verify"
    RESET = "reset"
    CHANGE_EMAIL = "change_email"
    EMAIL_CHANGE_ASKED = "email_change_asked"
    EMAIL_CHANGED = "email_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 (a mail's name, not a password)
    NEW_DEVICE = "new_device"
    TOKEN_REUSED = "token_reused"  # noqa: S105 (as above)
    SECOND_FACTOR_CHANGED = "second_factor_changed"
    CREDENTIALS_ENDED = "credentials_ended"
    API_KEY_MADE = "api_key_made"
    ORDER_PLACED = "order_placed"
    ORDER_PAID = "order_paid"
    ORDER_SHIPPED = "order_shipped"
    ORDER_READY = "order_ready"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_REFUNDED = "order_refunded"


SUBJECTS: Mapping[Template, str] = {
    Template.WELCOME: "Welcome to the bookstore",
    Template.VERIFY: "Please confirm your e-mail address",
    Template.RESET: "Choose a new password",
    Template.CHANGE_EMAIL: "Please confirm your new e-mail address",
    Template.EMAIL_CHANGE_ASKED: "Somebody wants another e-mail address for your account",
    Template.EMAIL_CHANGED: "Your e-mail address was changed",
    Template.PASSWORD_CHANGED: "Your password was changed",
    Template.NEW_DEVICE: "A new device logged in to your account",
    Template.TOKEN_REUSED: "Security alarm: we ended a session of your account",
    Template.SECOND_FACTOR_CHANGED: "The protection of your account was changed",
    Template.CREDENTIALS_ENDED: "Some of your keys and factors ended",
    Template.API_KEY_MADE: "A new API key for your account",
    Template.ORDER_PLACED: "We have your order",
    Template.ORDER_PAID: "Your order is paid",
    Template.ORDER_SHIPPED: "Your order is on its way",
    Template.ORDER_READY: "Your order is ready for you",
    Template.ORDER_CANCELLED: "Your order is cancelled",
    Template.ORDER_REFUNDED: "Money for your order is on its way back",
}

WORDS: Mapping[str, str] = {
    "totp_enabled": "codes from an app are now asked for at login",
    "totp_disabled": "codes from an app are no longer asked for at login",
    "recovery_codes_replaced": "new recovery codes were made, the old ones are void",
    "recovery_code_used": "a recovery code was used to log in",
    "passkey_added": "a passkey was added",
    "passkey_removed": "a passkey was removed",
    "passkey_copied": "a passkey was refused because it seems to exist twice",
    "locked": "the second step of the login is locked for a while after too many wrong codes",
}
"""What happened to a second factor, for people."""

_environment = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


_LINKED = re.compile(r"([.\u3002\uff0e\uff61])(?=\w)|://")


def unlinked(text: str) -> str:
    """The text as it reads, but so that no mail program makes a link of what a stranger wrote (`evil.example/x`).

    A blank of no width follows each dot within a word: names of hosts end there.
    """
    return _LINKED.sub(lambda found: f"{found[0]}\u200b" if found[1] else ":\u200b/\u200b/", text)


_environment.filters["unlinked"] = unlinked


def render(template: Template, values: Mapping[str, object]) -> tuple[str, str]:
    """Render the mail's text and HTML. Values are escaped in HTML; a missing one is an error."""
    given = {"subject": SUBJECTS[template], "words": WORDS, **values}
    text = _environment.get_template(f"{template}.txt").render(given)
    return text, _environment.get_template(f"{template}.html").render(given)
