"""The fields of an account, each with its rule."""

from datetime import date
from enum import StrEnum
from typing import Annotated

import phonenumbers
from pydantic import AfterValidator, BeforeValidator, EmailStr, Field, StringConstraints
from pydantic_core import PydanticCustomError, PydanticKnownError

from app.core.clock import utc_now
from app.core.http.schemas import Line, VisibleLine, shaped
from app.identity.emails import login_key
from app.identity.password_rules import LONGEST

LONGEST_EMAIL = 254
YOUNGEST, OLDEST = 13, 120

RESERVED_NAMES = frozenset(
    (  # noqa: SIM905 (a line for each would hide the rules that follow)
        "about abuse account accounts admin administrator anonymous api auth billing bookstore checkout contact"
        " everyone help hostmaster info legal login logout mail metrics moderator nobody noreply no-reply null"
        " official operator password payment payments postmaster privacy register root security service settings"
        " shop signup staff super super_admin superadmin superuser support sys sysadmin system terms undefined"
        " users webmaster webhooks www"
    ).split()
)
"""Names that would speak for the shop, or that are words of its addresses."""


class Notifications(StrEnum):
    """How the shop may reach the account."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    NONE = "none"


class Gender(StrEnum):
    """How the owner of the account is addressed; nobody has to say."""

    MALE = "male"
    FEMALE = "female"
    NON_BINARY = "non_binary"
    PREFER_NOT_TO_SAY = "prefer_not_to_say"


def _as_list(ways: object) -> object:
    if not isinstance(ways, str):
        return ways
    if ways not in set(Notifications):
        # Of the field, not of the first in a list that nobody sent.
        raise PydanticKnownError("enum", {"expected": ", ".join(f"'{way}'" for way in Notifications)})
    return [ways]


def _without_contradiction(ways: list[Notifications]) -> list[Notifications]:
    if Notifications.NONE in ways and len(set(ways)) > 1:
        raise ValueError("none stands alone")
    return list(dict.fromkeys(ways))


def _fits(email: str) -> str:
    if len(email) > LONGEST_EMAIL:
        raise ValueError(f"must have at most {LONGEST_EMAIL} characters")
    return email


def _without_name(email: object) -> object:
    # Pydantic would take the address out of it.
    if isinstance(email, str) and "<" in email:
        raise ValueError("must be an address alone, such as ada@example.com")
    return email


def is_reserved(username: str) -> bool:
    """Whether nobody may register the name."""
    return username in RESERVED_NAMES


def _is_free_to_take(username: str) -> str:
    if is_reserved(username):
        raise PydanticCustomError("reserved", "is reserved; choose another")
    return username


def as_e164(phone: str, country: str | None = None) -> str:
    """The number as `+`, country and number; without a `+` it is one of the country's, where that is given.

    What a plan may come to assign is let through, too.
    """
    try:
        number = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        raise ValueError("must be an international number such as +44 20 7946 0018") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError("is no possible number of its country")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_of_age(born: date) -> date:
    today = utc_now().date()
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if not YOUNGEST <= years <= OLDEST:
        raise ValueError(f"must be {YOUNGEST} to {OLDEST} years ago")
    return born


Username = Annotated[
    str,
    BeforeValidator(lambda name: login_key(name) if isinstance(name, str) else name),
    StringConstraints(min_length=3, max_length=30),
    *shaped(
        r"^[a-z][a-z0-9_-]*$", "must begin with a letter and have only letters, digits, _ and -, all of ASCII"
    ),
    Field(
        description="Starts with a letter; letters, digits, `_` and `-`; kept in lower case.",
        examples=["ada"],
    ),
]
FreeUsername = Annotated[Username, AfterValidator(_is_free_to_take)]
Email = Annotated[
    EmailStr, BeforeValidator(_without_name), AfterValidator(_fits), Field(examples=["ada@example.com"])
]
NewPassword = Annotated[
    str,
    Field(
        max_length=LONGEST,
        description="8 to 128 characters: from 12 on any, of fewer upper and lower case, a digit and a special character;"
        " not a common or leaked password, no mere pattern, and without the user name.",
        examples=["Lovelace-1815!"],
    ),
]
FullName = Annotated[VisibleLine, Field(max_length=100, examples=["Ada Lovelace"])]
FirstName = Annotated[VisibleLine, Field(max_length=50, examples=["Ada"])]
LastName = Annotated[VisibleLine, Field(max_length=50, examples=["Lovelace"])]
Phone = Annotated[
    Line,
    Field(max_length=40, description="International; kept in E.164.", examples=["+442079460018"]),
    AfterValidator(as_e164),
]
NotificationWays = Annotated[
    list[Notifications],
    Field(min_length=1, max_length=len(Notifications)),
    BeforeValidator(_as_list, json_schema_input_type=Notifications | list[Notifications]),
    AfterValidator(_without_contradiction),
    Field(description="One way, or a list of several; `none` stands alone.", examples=[["email"]]),
]
Language = Annotated[
    str,
    StringConstraints(max_length=35),
    *shaped(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", "must be a language tag, such as de or pt-BR"),
    Field(
        description="What mails are written in (BCP 47): the nearest that the shop writes, else English.",
        examples=["de"],
    ),
]
DateOfBirth = Annotated[
    date,
    AfterValidator(_is_of_age),
    Field(description="13 to 120 years ago, by the date in UTC.", examples=["1990-12-10"]),
]
