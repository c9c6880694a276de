"""Addresses are compared without full case folding, and by the A-label of their domain."""

import unicodedata
from collections.abc import Callable, Sequence

import idna
import sqlalchemy as sa

from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LONGEST_DOMAIN = 253
# Of plain ASCII both forms are the address in lower case.
CANDIDATES = sa.text(
    "SELECT id, email, email_key FROM users WHERE email ~ '[^ -~]' OR email ILIKE '%xn--%' OR email_key <> lower(email)"
)
OWNERS = sa.text("SELECT id, email_key FROM users WHERE email_key = ANY(:keys)")
SET_KEY = sa.text("UPDATE users SET email_key = :key WHERE id = :id")


def upgrade() -> None:
    _recompute(_login_key)


def downgrade() -> None:
    _recompute(lambda email: unicodedata.normalize("NFKC", email).casefold())


def _recompute(normal: Callable[[str], str]) -> None:
    """Give each account its key anew; of two whose addresses are one now, the older account keeps the address.

    The younger one gets a key with a space and its id, which no address has: it is reached by its user name,
    and by no look-up of an address. Nothing is refused or deleted.
    """
    if op.get_context().as_sql:
        # Printed as SQL: only Python knows the form, so whoever runs the print runs this revision online.
        return
    connection = op.get_bind()
    present = {row.id: row.email_key for row in connection.execute(CANDIDATES)}
    wanted = {row.id: normal(row.email) for row in connection.execute(CANDIDATES)}
    for owner in connection.execute(OWNERS, {"keys": sorted(set(wanted.values()))}):
        present.setdefault(owner.id, owner.email_key)
        wanted.setdefault(owner.id, owner.email_key)
    taken: set[str] = set()
    changes = []
    for account, key in sorted(wanted.items()):
        own = key if key not in taken else f"{key} {account}"
        taken.add(own)
        if own != present[account]:
            changes.append({"id": account, "key": own})
    if not changes:
        return
    # In two steps: a key may be another account's until that one's turn comes.
    connection.execute(SET_KEY, [{"id": one["id"], "key": f" {one['id']}"} for one in changes])
    connection.execute(SET_KEY, changes)


def _login_key(email: str) -> str:
    """As `app.identity.emails.login_key` had it when this was written."""
    local, _, domain = unicodedata.normalize("NFKC", email).strip().rpartition("@")
    return f"{_lower(local)}@{_domain_key(domain)}"


def _lower(text: str) -> str:
    return unicodedata.normalize("NFKC", "".join(letter.lower() for letter in text))


def _domain_key(domain: str) -> str:
    lowered = _lower(domain)
    if len(domain) > LONGEST_DOMAIN or (domain.isascii() and "xn--" not in lowered):
        return lowered
    try:
        return idna.encode(domain, uts46=True).decode()
    except UnicodeError:
        return lowered
