"""Roles and what they may do: one pure table serves tokens, scopes and checks."""

from enum import StrEnum


class Permission(StrEnum):
    """`resource:action`, the vocabulary of roles and OAuth2 scopes alike."""

    CATALOG_MANAGE = "catalog:manage"
    ITEMS_MODERATE = "items:moderate"
    ITEMS_WRITE = "items:write"


class Role(StrEnum):
    """What an account is, from least to most."""

    USER = "user"
    MODERATOR = "moderator"
    ADMIN = "admin"
    SUPER_ADMIN = "super_admin"


DESCRIPTIONS: dict[Permission, str] = {
    Permission.CATALOG_MANAGE: "Write authors and categories.",
    Permission.ITEMS_MODERATE: "Change or delete anybody's books and goods.",
    Permission.ITEMS_WRITE: "List, change and delete one's own books and goods.",
}

_USER = frozenset({Permission.ITEMS_WRITE})
_MODERATOR = _USER | {Permission.ITEMS_MODERATE, Permission.CATALOG_MANAGE}
_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.USER: _USER,
    Role.MODERATOR: _MODERATOR,
    Role.ADMIN: _MODERATOR,
    Role.SUPER_ADMIN: frozenset(Permission),
}


def permissions_of(role: Role) -> frozenset[Permission]:
    """Everything the role may do."""
    return _PERMISSIONS[role]
