"""Who may edit goods."""

from app.identity.permissions import Permission
from app.identity.principal import Principal


def may_edit(editor: Principal, owner_id: int) -> bool:
    """Tell whether somebody may edit: everybody their own goods, moderators any."""
    return owner_id == editor.user_id or editor.may(Permission.ITEMS_MODERATE)
