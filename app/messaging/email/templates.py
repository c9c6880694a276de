"""The mails' words: a folder of `templates/` for each language, with a text and an HTML file for each mail."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from pydantic import BaseModel

from app.core.languages import FALLBACK, match
from app.messaging.email.languages import FOLDER


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
    WEBHOOK_DISABLED = "webhook_disabled"
    ORDER_PLACED = "order_placed"
    ORDER_PAID = "order_paid"
    ORDER_SHIPPED = "order_shipped"
    ORDER_READY = "order_ready"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_REFUNDED = "order_refunded"
    FOLLOWED_ITEMS = "followed_items"
    NEW_ACCOUNTS = "new_accounts"
    NEWSLETTER_CONFIRM = "newsletter_confirm"
    NEWSLETTER_WELCOME = "newsletter_welcome"
    NEWSLETTER_ISSUE = "newsletter_issue"
    ALERT_CONFIRM = "alert_confirm"
    BACK_IN_STOCK = "back_in_stock"
    PRICE_DROP = "price_drop"


class Words(BaseModel):
    """What a language says outside of the templates: `words.json` in its folder."""

    when: str
    subjects: dict[str, str]
    words: dict[str, str]


class Rendered(NamedTuple):
    """A mail in one language."""

    subject: str
    text: str
    html: str


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / language),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["unlinked"] = unlinked
    return environment


@cache
def _words(language: str) -> Words:
    return Words.model_validate_json((FOLDER / language / "words.json").read_bytes())


_LINKED = re.compile(r"([.\u3002\uff0e\uff61])(?=\w)|://")


def unlinked(text: str) -> str:
    """The text as it reads, but so that no mail program makes a link of what a stranger wrote (`evil.example/x`).

    A blank of no width follows each dot within a word: names of hosts end there.
    """
    return _LINKED.sub(lambda found: f"{found[0]}\u200b" if found[1] else ":\u200b/\u200b/", text)


def language_of(template: Template, wanted: str | None) -> str:
    """The language that this mail is written in for who wants `wanted`: English where it has none nearer."""
    language = match(wanted) or FALLBACK
    return language if template in _words(language).subjects else FALLBACK


def render(template: Template, wanted: str | None, values: Mapping[str, object]) -> Rendered:
    """Render the mail in the language that is nearest. Values are escaped in HTML; a missing one is an error.

    `moment`, a point in time, is said the language's way as `when`. A `subject` among the values goes before the language's.
    """
    language = language_of(template, wanted)
    words, templates = _words(language), _environment(language)
    given = {"subject": words.subjects[template], "words": words.words, **values}
    moment = values.get("moment")
    if isinstance(moment, str):
        given["when"] = datetime.fromisoformat(moment).astimezone(UTC).strftime(words.when)
    return Rendered(
        str(given["subject"]),
        templates.get_template(f"{template}.txt").render(given),
        templates.get_template(f"{template}.html").render(given),
    )
