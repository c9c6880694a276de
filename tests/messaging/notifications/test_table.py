"""The table of notifications is whole: every mail to an account, every event, words for every kind."""

import json
from pathlib import Path

import pytest

from app.messaging import handlers as mails
from app.messaging.email.templates import Template
from app.messaging.notifications import words
from app.messaging.notifications.handlers import KIND_OF
from app.messaging.notifications.kinds import IN_APP_KINDS, KINDS, LOCKED, Category, Channel
from app.messaging.notifications.words import say

WORDS = Path(words.__file__).with_name("words")
LANGUAGES = sorted(path.stem for path in WORDS.glob("*.json"))


def test_every_mail_about_an_event_is_a_kind_that_is_mailed() -> None:
    mailed = {*mails.TEMPLATES.values(), *mails.ORDER_TEMPLATES.values(), Template.CHANGE_EMAIL}
    assert {template.value for template in mailed} <= KINDS.keys()
    for template in mailed:
        assert Channel.MAIL in KINDS[template].channels


def test_an_event_is_the_same_kind_by_mail_and_in_the_shop() -> None:
    mailed = [*mails.TEMPLATES.items(), *mails.ORDER_TEMPLATES.items()]
    told = {event.type: kind for event, kind in KIND_OF.items()}
    for event, template in mailed:
        assert told.get(event.type, template) == template
    for kind in KIND_OF.values():
        assert Channel.IN_APP in KINDS[kind].channels


def test_what_is_locked_is_mail_about_the_account_and_orders_and_all_of_it() -> None:
    assert {Category.ACCOUNT, Category.ORDERS} == LOCKED
    for kind in KINDS.values():
        assert kind.is_transactional == (kind.category in LOCKED and Channel.MAIL in kind.channels)


def test_text_messages_are_few() -> None:
    by_sms = {name for name, kind in KINDS.items() if Channel.SMS in kind.channels}
    assert by_sms == {"order_shipped", "order_ready", "new_device"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_words_that_use_its_details(language: str) -> None:
    written = json.loads((WORDS / f"{language}.json").read_text(encoding="utf-8"))
    assert written["kinds"].keys() == IN_APP_KINDS
    for kind in IN_APP_KINDS:
        said = say(kind, {name: f"<{name}>" for name in KINDS[kind].details}, language)
        assert said.title
        for name in KINDS[kind].details:
            assert f"<{name}>" in said.title + said.text, (kind, name)


def test_languages_have_the_same_words() -> None:
    known = [json.loads((WORDS / f"{each}.json").read_text(encoding="utf-8"))["words"] for each in LANGUAGES]
    assert {tuple(sorted(each)) for each in known} == {tuple(sorted(known[0]))}


@pytest.mark.parametrize(
    ("wanted", "title"),
    [
        ("de-AT", "Ihr Passwort wurde geändert"),
        ("sv", "Your password was changed"),
        (None, "Your password was changed"),
    ],
)
def test_the_nearest_language_is_spoken(wanted: str | None, title: str) -> None:
    assert say("password_changed", {}, wanted).title == title


def test_what_somebody_wrote_is_no_format_and_a_missing_detail_no_error() -> None:
    said = say("new_device", {"device": "{ip.__class__} {0} %s"}, None)
    assert said.text.startswith("{ip.__class__} {0} %s, address .")
