"""What a login answers."""

from pydantic import Field

from app.core.schemas import ResponseModel


class TokenOut(ResponseModel):
    """An access token (RFC 6749 §5.1)."""

    access_token: str = Field(examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9…"])
    token_type: str = Field(default="bearer", examples=["bearer"])
    expires_in: int = Field(description="Seconds.", examples=[900])
    scope: str = Field(description="What the token may do.", examples=["items:write"])
