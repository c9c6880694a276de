"""Whose events somebody may ask for."""

from app.identity.errors import InsufficientScope
from app.identity.permissions import Permission
from app.identity.principal import Principal


def refuse_more_than_own(caller: Principal, *, wanted: bool) -> None:
    """Refuse what concerns others to whoever may not. Raises InsufficientScope."""
    needed = Permission.WEBHOOKS_MANAGE
    if wanted and not caller.may(needed):
        raise InsufficientScope(
            f"What concerns others needs the permission {needed}.",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{needed}"'},
        )


def heard_by(caller: Principal, *, all_accounts: bool) -> int | None:
    """The account whose events and webhooks are meant; None for everybody's. Raises InsufficientScope."""
    refuse_more_than_own(caller, wanted=all_accounts)
    return None if all_accounts else caller.user_id
