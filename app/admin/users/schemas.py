"""What staff see of an account and what they may mend."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.core.db.paging import ListQuery
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.schemas import (
    OMITTED,
    Line,
    PatchModel,
    RequestModel,
    ResponseModel,
    RowId,
    Timestamp,
    VisibleLine,
)
from app.identity.permissions import Role

LONGEST_NAME = 100
LONGEST_SEARCH = 254

PersonName = Annotated[VisibleLine, Field(max_length=LONGEST_NAME)]


class AdminUserOut(ResponseModel):
    """An account as staff see it: who it is, not what only its owner needs."""

    id: RowId = Field(examples=[7])
    username: str = Field(examples=["ada"])
    email: str = Field(examples=["ada@example.com"])
    full_name: str | None = Field(examples=["Ada Lovelace"])
    first_name: str | None = Field(examples=["Ada"])
    last_name: str | None = Field(examples=["Lovelace"])
    phone: str | None = Field(description="E.164.", examples=["+442079460018"])
    role: Role = Field(examples=["user"])
    is_active: bool
    is_verified: bool = Field(description="The e-mail address is proven.")
    version: int = Field(description="Row version, as in the ETag.", examples=[3])
    created_at: Timestamp
    updated_at: Timestamp


class AdminUserPatch(PatchModel):
    """What staff may mend. The address is its owner's to change, with proof; the password too."""

    full_name: PersonName | None = Field(default=OMITTED, examples=["Ada Lovelace"])
    first_name: PersonName | None = Field(default=OMITTED, examples=["Ada"])
    last_name: PersonName | None = Field(default=OMITTED, examples=["Lovelace"])
    is_verified: bool = Field(
        default=OMITTED, description="Staff saw proof of the address, or doubt it.", examples=[True]
    )


class RoleIn(RequestModel):
    """The role that an account gets."""

    role: Role = Field(description="Not super_admin: that is given on the server.", examples=["moderator"])


class AdminUserSort(StrEnum):
    """Sort keys; `-` before a key turns it round."""

    USERNAME = "username"
    USERNAME_DESC = "-username"
    EMAIL = "email"
    EMAIL_DESC = "-email"
    CREATED_AT = "created_at"
    CREATED_AT_DESC = "-created_at"
    UPDATED_AT = "updated_at"
    UPDATED_AT_DESC = "-updated_at"


class AdminUserFilter(ListQuery):
    """Filters of `/admin/users`; an account meets all that are sent."""

    search: Annotated[Line, Field(min_length=1, max_length=LONGEST_SEARCH)] | None = Field(
        default=None,
        description="Part of user name, e-mail address or name; case and accents do not count.",
        examples=["lovelace"],
    )
    role: Role | None = Field(default=None, description="Only accounts of this role.", examples=["moderator"])
    active: bool | None = Field(default=None, description="Open accounts, or closed ones.")
    verified: bool | None = Field(default=None, description="Whether the e-mail address is proven.")
    sort: Annotated[list[AdminUserSort], SplitKeys, DistinctKeys] = Field(
        default=[AdminUserSort.CREATED_AT_DESC],
        description="Comma-separated keys; the id decides ties.",
        examples=[["username"]],
    )
