"""What auditors see."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from app.core.db.paging import ListQuery
from app.core.http.schemas import Line, Moment, ResponseModel, RowId, Timestamp, shaped

LONGEST_FILTER = 200
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
Hash = Annotated[str, BeforeValidator(lambda value: value.hex() if isinstance(value, bytes) else value)]
FilterText = Annotated[Line, Field(min_length=1, max_length=LONGEST_FILTER)]


class AuditEntryOut(ResponseModel):
    """Who did what to what, from where."""

    id: RowId = Field(examples=[4711])
    at: Timestamp
    action: str = Field(examples=["user.role_changed"])
    actor_id: int | None = Field(
        description="The account that did it; null for the shop itself.", examples=[1]
    )
    session_id: str | None = Field(examples=["0199d2a4-5c1e-7f3a-9a51-3f1b2c4d5e6f"])
    api_key_id: int | None = Field(examples=[None])
    ip: str = Field(examples=["203.0.113.7"])
    user_agent: str = Field(examples=["curl/8.9.1"])
    request_id: str = Field(examples=["0b6f0ecf3d3c4e0e9a3c0d6b3f6f8f52"])
    target: str = Field(description="The kind of thing it was done to.", examples=["user"])
    target_id: str = Field(examples=["7"])
    changes: dict[str, list[Any]] = Field(
        description="Field → [old, new]; secrets are masked.", examples=[{"role": ["user", "moderator"]}]
    )
    previous_hash: Hash = Field(
        description="`hash` of the entry before; empty in the first.", examples=[_HASH]
    )
    hash: Hash = Field(description="SHA-256 over `previous_hash` and this entry.", examples=[_HASH])


class _AuditCriteria(BaseModel):
    """Which entries; all that are sent must hold."""

    actor_id: RowId | None = Field(default=None, description="The account that did it.")
    action: FilterText | None = Field(
        default=None, description="What was done.", examples=["user.role_changed"]
    )
    target: FilterText | None = Field(default=None, description="A kind of thing.", examples=["user"])
    target_id: FilterText | None = Field(default=None, description="Id of the thing.", examples=["7"])
    since: Moment | None = Field(default=None, alias="from", description="Not before this moment.")
    until: Moment | None = Field(default=None, alias="to", description="Before this moment.")

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError("`from` must not be after `to`")
        return self


class AuditFilter(_AuditCriteria, ListQuery):
    """Filters of `/admin/audit`."""


class AuditExport(_AuditCriteria):
    """Filters of the export."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class AuditCheck(BaseModel):
    """How the chain is checked."""

    model_config = ConfigDict(extra="forbid")

    anchor: (
        Annotated[str, *shaped("^[0-9a-f]{64}$", "must be 64 hexadecimal digits, as head_hash is")] | None
    ) = Field(
        default=None,
        description="A `head_hash` that you noted earlier, elsewhere: the chain must still hold it.",
        examples=[_HASH],
    )


class AuditVerdict(ResponseModel):
    """Whether the chain of entries is whole."""

    valid: bool = Field(description="No break was found, and the anchor, if one was sent, is there.")
    checked: int = Field(description="Entries looked at.", examples=[4711])
    first_broken_id: int | None = Field(
        description="The first entry that was changed, or before which one is missing.", examples=[None]
    )
    has_anchor: bool | None = Field(
        description="Whether an entry still has the anchor's hash; null without an anchor.", examples=[True]
    )
    head_id: int | None = Field(description="The newest entry that was looked at.", examples=[4711])
    head_hash: Hash | None = Field(
        description="Its hash: note it outside this server, as the next anchor.", examples=[_HASH]
    )
