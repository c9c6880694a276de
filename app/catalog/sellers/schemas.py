"""What anybody sees of an account."""

from pydantic import Field

from app.core.http.schemas import ResponseModel, RowId, Timestamp


class PublicProfile(ResponseModel):
    """An account as everybody sees it: no name but the one it chose, and no way to reach it."""

    id: RowId = Field(examples=[7])
    username: str = Field(examples=["ada"])
    member_since: Timestamp = Field(description="When the account was opened.")
    offers: int = Field(
        description="Items that it lists, counted up to 10,000; `GET /items?owner_id=` shows them.",
        examples=[12],
    )
