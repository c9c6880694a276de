"""Who may edit goods, and so sees of them what nobody else does."""

from app.identity.permissions import Permission
from app.identity.principal import Principal


def may_edit(editor: Principal, owner_id: int) -> bool:
    """Tell whether somebody may edit: everybody their own goods, moderators any."""
    return owner_id == editor.user_id or editor.may(Permission.ITEMS_MODERATE)


def may_see(viewer: Principal | None, owner_id: int, *, is_active: bool) -> bool:
    """Tell whether somebody sees an item at all: off sale only who may edit it."""
    return is_active or (viewer is not None and may_edit(viewer, owner_id))
