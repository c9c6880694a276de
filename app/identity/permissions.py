"""Roles and what they may do: one pure table serves tokens, scopes, API keys and checks."""

from enum import StrEnum


class Permission(StrEnum):
    """`resource:action`, the vocabulary of roles and OAuth2 scopes alike."""

    AUDIT_READ = "audit:read"
    CATALOG_MANAGE = "catalog:manage"
    CATALOG_TRANSFER = "catalog:transfer"
    DISCOUNTS_MANAGE = "discounts:manage"
    INVENTORY_COUNT = "inventory:count"
    INVENTORY_MANAGE = "inventory:manage"
    INVENTORY_READ = "inventory:read"
    ITEMS_MODERATE = "items:moderate"
    ITEMS_WRITE = "items:write"
    JOBS_MANAGE = "jobs:manage"
    JOBS_READ = "jobs:read"
    ORDERS_MANAGE = "orders:manage"
    ORDERS_READ = "orders:read"
    ORDERS_REFUND = "orders:refund"
    ORDERS_WRITE = "orders:write"
    PROFILE_READ = "profile:read"
    PROFILE_WRITE = "profile:write"
    ROLES_ASSIGN = "roles:assign"
    SHOP_MANAGE = "shop:manage"
    STATS_READ = "stats:read"
    TILL_SELL = "till:sell"
    TOKENS_INTROSPECT = "tokens:introspect"
    USERS_MANAGE = "users:manage"
    USERS_READ = "users:read"
    WEBHOOKS_MANAGE = "webhooks:manage"


class Role(StrEnum):
    """What an account is, from least to most."""

    USER = "user"
    MODERATOR = "moderator"
    ADMIN = "admin"
    SUPER_ADMIN = "super_admin"


DESCRIPTIONS: dict[Permission, str] = {
    Permission.AUDIT_READ: "Read, export and verify the audit log.",
    Permission.CATALOG_MANAGE: "Write authors, categories, works, series and synonyms; merge duplicates.",
    Permission.CATALOG_TRANSFER: "Import and export the catalogue in bulk.",
    Permission.DISCOUNTS_MANAGE: "Write discounts, and issue gift cards.",
    Permission.INVENTORY_COUNT: "Count stock, and put it right by the count.",
    Permission.INVENTORY_MANAGE: "Receive and adjust stock, and say when it is low.",
    Permission.INVENTORY_READ: "Read exact stock and every movement of it, and reconcile them.",
    Permission.ITEMS_MODERATE: "Change or delete anybody's books and goods.",
    Permission.ITEMS_WRITE: "List, change and delete one's own books and goods.",
    Permission.JOBS_MANAGE: "Try dead letters again, and discard them.",
    Permission.JOBS_READ: "See background jobs, their queues and dead letters.",
    Permission.ORDERS_MANAGE: "See, ship, deliver, annotate and cancel anybody's orders; decide on returns.",
    Permission.ORDERS_READ: "See one's own cart, orders, payments and invoices.",
    Permission.ORDERS_REFUND: "Give money back.",
    Permission.ORDERS_WRITE: "Fill one's own cart, buy, pay, cancel and send back.",
    Permission.PROFILE_READ: "Read one's own name, addresses, phone number, birth date and gender.",
    Permission.PROFILE_WRITE: "Change one's own profile, and close one's own account.",
    Permission.ROLES_ASSIGN: "Give accounts a role, up to one's own.",
    Permission.SHOP_MANAGE: "Say what shipping costs, and what is taxed how; send the newsletter.",
    Permission.STATS_READ: "See the shop's figures.",
    Permission.TILL_SELL: "Sell at the counter.",
    Permission.TOKENS_INTROSPECT: "Ask whether a token is valid and what it grants.",
    Permission.USERS_MANAGE: "Mend, close, open and unlock accounts and end their sessions.",
    Permission.USERS_READ: "Find and read anybody's account.",
    Permission.WEBHOOKS_MANAGE: "Register webhooks for all that happens, and see everybody's.",
}

SESSION_ONLY = frozenset(
    {
        Permission.AUDIT_READ,
        Permission.ROLES_ASSIGN,
        Permission.TOKENS_INTROSPECT,
        Permission.USERS_MANAGE,
    }
)
"""What an API key never carries out, whatever its scopes: who these may rule over are people and their
credentials, so somebody must have logged in, with the second factor that the account has. A key is a
string in a file, and one that leaks must not take the shop.
"""

ADMINISTRATORS = frozenset({Role.ADMIN, Role.SUPER_ADMIN})
"""The roles of which the last active account stays."""

_USER = frozenset(
    {
        Permission.ITEMS_WRITE,
        Permission.ORDERS_READ,
        Permission.ORDERS_WRITE,
        Permission.PROFILE_READ,
        Permission.PROFILE_WRITE,
    }
)
_MODERATOR = _USER | {
    Permission.CATALOG_MANAGE,
    Permission.CATALOG_TRANSFER,
    Permission.INVENTORY_COUNT,
    Permission.INVENTORY_MANAGE,
    Permission.INVENTORY_READ,
    Permission.ITEMS_MODERATE,
    Permission.ORDERS_MANAGE,
    Permission.TILL_SELL,
}
_ADMIN = _MODERATOR | {
    Permission.AUDIT_READ,
    Permission.DISCOUNTS_MANAGE,
    Permission.JOBS_MANAGE,
    Permission.JOBS_READ,
    Permission.ORDERS_REFUND,
    Permission.ROLES_ASSIGN,
    Permission.SHOP_MANAGE,
    Permission.STATS_READ,
    Permission.TOKENS_INTROSPECT,
    Permission.USERS_MANAGE,
    Permission.USERS_READ,
    Permission.WEBHOOKS_MANAGE,
}
_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.USER: _USER,
    Role.MODERATOR: _MODERATOR,
    Role.ADMIN: _ADMIN,
    Role.SUPER_ADMIN: frozenset(Permission),
}
_RANKS = {role: rank for rank, role in enumerate(Role)}


def permissions_of(role: Role) -> frozenset[Permission]:
    """Everything the role may do."""
    return _PERMISSIONS[role]


def outranks(role: Role, other: Role) -> bool:
    """Whether the role stands above the other; equals do not outrank each other."""
    return _RANKS[role] > _RANKS[other]
