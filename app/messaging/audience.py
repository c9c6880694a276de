"""Who hears of which event: the catalogue's audiences in the form in which queries need them."""

from typing import Annotated

from pydantic import AfterValidator, Field

from app.core.http.schemas import Line
from app.identity.permissions import Permission, Role, permissions_of
from app.messaging.public_events import PUBLIC_EVENTS, Audience

PUBLIC_TYPES = [event.name for event in PUBLIC_EVENTS.values() if event.audience is Audience.PUBLIC]
OWN_TYPES = [event.name for event in PUBLIC_EVENTS.values() if event.audience is Audience.OWNER]
ALL_TYPES = [*PUBLIC_EVENTS]
MANAGERS = [role.value for role in Role if Permission.WEBHOOKS_MANAGE in permissions_of(role)]
"""The roles that may hear of everything."""

_PATTERNS = frozenset(
    {"*", *ALL_TYPES, *(f"{name.partition('.')[0]}.*" for name in ALL_TYPES if "." in name)}
)


def _known_pattern(pattern: str) -> str:
    if pattern not in _PATTERNS:
        raise ValueError("is neither an event of the catalogue nor a kind of them such as order.* or *")
    return pattern


Pattern = Annotated[Line, Field(max_length=100), AfterValidator(_known_pattern)]
"""What may be asked for: everything, all of a kind (`order.*`), or one."""


def matches(patterns: list[str], name: str) -> bool:
    """Whether the patterns ask for events of this name; the database has the same rule in the fan-out."""
    return not {"*", name, f"{name.partition('.')[0]}.*"}.isdisjoint(patterns)
