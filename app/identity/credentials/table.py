"""Which credentials end at which event: one table, which code, docs and tests read.

The principle: what opens an account by itself ends where the account is taken back or closed. What only
adds to the password stays, since a reset must not skip the second factor (ASVS 5, 6.4.3); the first
proof of the address ends even that, or a squatter could lock its owner out.
"""

from collections.abc import Mapping
from enum import StrEnum


class Credential(StrEnum):
    """What somebody could keep of an account: a way in, a factor, a link that leads to one, or what tells of it."""

    SESSION = "sessions"
    API_KEY = "api keys"
    PASSKEY = "passkeys"
    TOTP = "authenticator app"
    RECOVERY_CODE = "recovery codes"
    MAILED_LINK = "mailed links"
    PENDING_EMAIL = "pending address"
    WEBHOOK = "webhooks"
    PUSH_SUBSCRIPTION = "push subscriptions"


class AccountEvent(StrEnum):
    """What happens to an account; the value is the reason that ended sessions carry."""

    PASSWORD_RESET = "password_reset"  # noqa: S105 (an event)
    ADDRESS_PROVEN_BY_RESET = "address_proven_by_reset"
    ADDRESS_PROVEN = "address_proven"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 (an event)
    SECOND_FACTOR_ENABLED = "second_factor_enabled"
    SECOND_FACTOR_DISABLED = "second_factor_disabled"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    LOGOUT_ALL = "logout_all"
    ENDED_BY_STAFF = "ended_by_staff"
    ROLE_CHANGED = "role_changed"
    EMAIL_CHANGED = "email_changed"
    EMAIL_CHANGE_STOPPED = "email_change_stopped"
    DEACTIVATED = "deactivated"


_LINKS = frozenset({Credential.MAILED_LINK, Credential.PENDING_EMAIL})
_FACTORS = frozenset({Credential.PASSKEY, Credential.TOTP, Credential.RECOVERY_CODE})
_WAYS_IN = frozenset({Credential.SESSION, Credential.API_KEY, Credential.PASSKEY})
# Nobody comes in by them, and whoever set them up goes on hearing of the account.
_CHANNELS = frozenset({Credential.WEBHOOK, Credential.PUSH_SUBSCRIPTION})
_DEVICES = frozenset({Credential.SESSION, Credential.PUSH_SUBSCRIPTION})

ENDS: Mapping[AccountEvent, frozenset[Credential]] = {
    AccountEvent.PASSWORD_RESET: _WAYS_IN | _LINKS | _CHANNELS,
    # The first to read the mail owns the address; whatever is there was made by somebody who may not.
    AccountEvent.ADDRESS_PROVEN_BY_RESET: frozenset(Credential),
    # By the link of the registration the password stays, and with it the sessions that it opened.
    AccountEvent.ADDRESS_PROVEN: frozenset(Credential) - {Credential.SESSION},
    AccountEvent.PASSWORD_CHANGED: _LINKS | _DEVICES,
    AccountEvent.SECOND_FACTOR_ENABLED: frozenset({Credential.SESSION}),
    AccountEvent.SECOND_FACTOR_DISABLED: frozenset(
        {Credential.SESSION, Credential.TOTP, Credential.RECOVERY_CODE}
    ),
    AccountEvent.SECOND_FACTOR_REMOVED: _FACTORS | _DEVICES,
    AccountEvent.LOGOUT_ALL: _DEVICES,
    AccountEvent.ENDED_BY_STAFF: _CHANNELS | {Credential.SESSION, Credential.API_KEY},
    AccountEvent.ROLE_CHANGED: frozenset({Credential.SESSION}),
    AccountEvent.EMAIL_CHANGED: _LINKS,
    AccountEvent.EMAIL_CHANGE_STOPPED: _LINKS | _CHANNELS | {Credential.SESSION, Credential.API_KEY},
    AccountEvent.DEACTIVATED: _WAYS_IN | _LINKS | _CHANNELS,
}
"""Event → what ends. A session that is to go on, such as the caller's own, is named where the event happens."""
