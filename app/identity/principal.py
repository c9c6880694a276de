"""Who is calling, as services see it."""

from dataclasses import dataclass

from app.identity.permissions import Permission, Role


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated account and what this very token lets it do."""

    user_id: int
    username: str
    role: Role
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        """Whether the caller holds the permission."""
        return permission in self.permissions
