"""The demo accounts: one for each kind of visitor, all with one well-known password."""

from typing import NamedTuple

from app.identity.permissions import Role

PASSWORD = "Bookstore-demo-1!"  # noqa: S105 (known to everybody; only loaded in development)


class DemoAccount(NamedTuple):
    """Who it is and what it is there to show."""

    username: str
    full_name: str
    role: Role
    purpose: str

    @property
    def email(self) -> str:
        """An address that can never receive mail (RFC 2606)."""
        return f"{self.username}@example.com"


ADMIN = DemoAccount("demo_admin", "Ada Admin", Role.ADMIN, "runs users and shop")
MODERATOR = DemoAccount("demo_moderator", "Max Moderator", Role.MODERATOR, "edits any item")
SELLER = DemoAccount("demo_seller", "Sela Seller", Role.USER, "lists and edits own goods")
READER = DemoAccount("demo_reader", "Rita Reader", Role.USER, "browses and buys")
ACCOUNTS = (ADMIN, MODERATOR, SELLER, READER)
BUYERS = (READER, READER, READER, SELLER, ADMIN)
"""Who bought in the last months, some more than others."""
