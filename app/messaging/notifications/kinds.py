"""The table of notifications: each kind with its category, the channels that it can take, and whether its mail is a duty.

A kind that is mailed is called as its mail's template.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Category(StrEnum):
    """What people choose by."""

    ACCOUNT = "account"
    ORDERS = "orders"
    STOCK = "stock"
    NEWS = "news"


class Channel(StrEnum):
    """How a notification reaches somebody."""

    MAIL = "mail"
    IN_APP = "in_app"
    SMS = "sms"
    PUSH = "push"


class Kind(NamedTuple):
    """A line of the table. `details` are what the notification keeps for its text: fields of the event, mostly.

    The mail of a transactional kind is sent whatever was chosen: it is part of the contract, or warns the owner.
    """

    name: str
    category: Category
    channels: frozenset[Channel]
    is_transactional: bool = False
    details: tuple[str, ...] = ()


_MAIL = frozenset({Channel.MAIL})
_MAIL_APP = frozenset({Channel.MAIL, Channel.IN_APP})
_APP_PUSH = frozenset({Channel.IN_APP, Channel.PUSH})
_MAIL_APP_PUSH = _MAIL | _APP_PUSH
_ALL = frozenset(Channel)

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("welcome", Category.ACCOUNT, _MAIL, is_transactional=True),
        Kind("verify", Category.ACCOUNT, _MAIL, is_transactional=True),
        Kind("reset", Category.ACCOUNT, _MAIL, is_transactional=True),
        Kind("change_email", Category.ACCOUNT, _MAIL, is_transactional=True),
        Kind("email_change_asked", Category.ACCOUNT, _MAIL, is_transactional=True),
        Kind("email_changed", Category.ACCOUNT, _MAIL_APP, is_transactional=True),
        Kind("password_changed", Category.ACCOUNT, _MAIL_APP_PUSH, is_transactional=True),
        Kind("new_device", Category.ACCOUNT, _ALL, is_transactional=True, details=("device", "ip")),
        Kind(
            "token_reused", Category.ACCOUNT, _MAIL_APP_PUSH, is_transactional=True, details=("device", "ip")
        ),
        Kind(
            "second_factor_changed",
            Category.ACCOUNT,
            _MAIL_APP_PUSH,
            is_transactional=True,
            details=("what",),
        ),
        Kind("credentials_ended", Category.ACCOUNT, _MAIL_APP, is_transactional=True),
        Kind(
            "api_key_made",
            Category.ACCOUNT,
            _MAIL_APP_PUSH,
            is_transactional=True,
            details=("key_name", "hint"),
        ),
        Kind("webhook_disabled", Category.ACCOUNT, _MAIL, is_transactional=True),
        Kind("order_placed", Category.ORDERS, _MAIL_APP, is_transactional=True, details=("number",)),
        Kind("order_paid", Category.ORDERS, _MAIL_APP_PUSH, is_transactional=True, details=("number",)),
        Kind("order_shipped", Category.ORDERS, _ALL, is_transactional=True, details=("number",)),
        Kind("order_ready", Category.ORDERS, _ALL, is_transactional=True, details=("number",)),
        Kind("order_delivered", Category.ORDERS, _APP_PUSH, details=("number",)),
        Kind(
            "order_cancelled",
            Category.ORDERS,
            _MAIL_APP_PUSH,
            is_transactional=True,
            details=("number", "reason"),
        ),
        Kind("order_refunded", Category.ORDERS, _MAIL_APP_PUSH, is_transactional=True, details=("number",)),
        Kind("support_reply", Category.ORDERS, _APP_PUSH, details=("number",)),
        Kind("followed_items", Category.NEWS, _MAIL_APP_PUSH, details=("titles",)),
        Kind("new_accounts", Category.NEWS, _MAIL_APP, details=("count", "names")),
        Kind("back_in_stock", Category.STOCK, _MAIL_APP_PUSH, details=("title",)),
        Kind("price_drop", Category.STOCK, _MAIL_APP_PUSH, details=("title", "price", "currency")),
    )
}

LOCKED = frozenset(kind.category for kind in KINDS.values() if kind.is_transactional)
"""Categories whose mail cannot be turned off."""

IN_APP_KINDS = frozenset(name for name, kind in KINDS.items() if Channel.IN_APP in kind.channels)
"""What somebody's list can hold: a kind of a newer release is shown once this one knows it."""
