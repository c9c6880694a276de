"""What clients send and see of API keys."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from app.core.client_addresses import normal_network
from app.core.clock import utc_now
from app.core.db.paging import ListQuery
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.schemas import Line, Moment, RequestModel, ResponseModel, RowId, Timestamp, VisibleLine
from app.identity.permissions import Permission

DEFAULT_NAME = "default"
"""The name of the one key that `/generate` makes and `/revoke` ends."""

LONGEST_NAME = 100
MOST_NETWORKS = 50
LONGEST_OVERLAP = 7 * 86_400


def _not_reserved(name: str) -> str:
    if name.casefold() == DEFAULT_NAME:
        raise ValueError("is the name of the key that /api-keys/generate makes; choose another")
    return name


def _in_the_future(moment: datetime) -> datetime:
    if moment <= utc_now():
        raise ValueError("must lie in the future")
    return moment


Scopes = Annotated[
    list[Permission],
    Field(
        max_length=100,
        description="Permissions, at most one's own; without any the key reads what any account may read.",
        examples=[["items:write"]],
    ),
    AfterValidator(lambda scopes: sorted(set(scopes))),
]
Network = Annotated[Line, Field(min_length=1, max_length=50), AfterValidator(normal_network)]


class ApiKeyIn(RequestModel):
    """A new API key."""

    name: Annotated[VisibleLine, Field(max_length=LONGEST_NAME), AfterValidator(_not_reserved)] = Field(
        description="What it is for; several keys may share a name.", examples=["Warehouse import"]
    )
    scopes: Scopes
    expires_at: Annotated[Moment, AfterValidator(_in_the_future)] | None = Field(
        default=None,
        description="Left out, it never expires; a key of staff (any role above `user`) lasts 90 days, and no longer.",
        examples=["2099-12-31T00:00:00Z"],
    )
    allowed_ips: Annotated[
        list[Network],
        Field(max_length=MOST_NETWORKS),
        AfterValidator(lambda networks: list(dict.fromkeys(networks))),
    ] = Field(
        default_factory=list,
        description="Addresses and networks it may be used from; empty: from anywhere.",
        examples=[["192.0.2.7", "2001:db8::/32"]],
    )


class ApiKeyRotation(RequestModel):
    """How a key is replaced."""

    overlap_seconds: int = Field(
        default=86_400,
        ge=0,
        le=LONGEST_OVERLAP,
        description="How long the old key still works, at most seven days.",
        examples=[3600],
    )


class ApiKeyOut(ResponseModel):
    """An API key, without the key."""

    id: RowId = Field(examples=[5])
    name: str = Field(examples=["Warehouse import"])
    hint: str = Field(description="How the key begins.", examples=["bk_7_Qx3v…"])
    scopes: list[str] = Field(examples=[["items:write"]])
    allowed_ips: list[str] = Field(examples=[["192.0.2.7"]])
    created_at: Timestamp
    expires_at: Timestamp | None = Field(
        description="When it ends, as the owner's role has it now: a key of staff 90 days after it was made.",
        examples=["2099-12-31T00:00:00Z"],
    )
    last_used_at: Timestamp | None = Field(description="To the minute.")
    replaced_by_id: RowId | None = Field(description="The key that took over by rotation.", examples=[None])


class ApiKeyCreated(ApiKeyOut):
    """A new API key; the key itself is shown this once."""

    api_key: str = Field(
        description="Send it as `X-API-Key`. It cannot be read again.",
        examples=["bk_7_Qx3vN8…"],
    )


class ApiKeySort(StrEnum):
    """Sort keys; `-` before a key turns it round."""

    CREATED_AT = "created_at"
    CREATED_AT_DESC = "-created_at"
    NAME = "name"
    NAME_DESC = "-name"


class ApiKeyFilter(ListQuery):
    """Parameters of `/api-keys`."""

    sort: Annotated[list[ApiKeySort], SplitKeys, DistinctKeys] = Field(
        default=[ApiKeySort.CREATED_AT_DESC],
        description="Comma-separated keys; the id decides ties.",
        examples=[["name"]],
    )
