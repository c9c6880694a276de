"""What clients send and see of passkeys."""

from typing import Annotated, Any

from pydantic import Field

from app.core.http.schemas import RequestModel, ResponseModel, RowId, Timestamp, VisibleLine

_LONGEST_NAME = 60
_MOST_SCOPES = 100

_CREDENTIAL = {
    "id": "q1Z…",
    "rawId": "q1Z…",
    "type": "public-key",
    "response": {"clientDataJSON": "eyJ0eXBlIjoi…", "attestationObject": "o2NmbXRk…"},
}
_ASSERTION = {
    "id": "q1Z…",
    "rawId": "q1Z…",
    "type": "public-key",
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoi…",
        "authenticatorData": "SZYN5YgO…",
        "signature": "MEUCIQ…",
        "userHandle": "AAAAAAAAAAc",
    },
}

PasskeyName = Annotated[VisibleLine, Field(max_length=_LONGEST_NAME, examples=["Phone"])]


class PasskeyOptions(ResponseModel):
    """What the browser asks the authenticator; good for five minutes and one answer."""

    public_key: dict[str, Any] = Field(
        description="For `PublicKeyCredential.parseCreationOptionsFromJSON()` or `parseRequestOptionsFromJSON()`.",
        examples=[{"challenge": "ZXlKaGJHY2lPaUpJVXpJMU5pSXM…", "rpId": "shop.example.com"}],
    )


class PasskeyRegistration(RequestModel):
    """The authenticator's answer, as `credential.toJSON()` gives it, and what to call the new passkey."""

    name: PasskeyName = "Passkey"
    credential: dict[str, Any] = Field(examples=[_CREDENTIAL])


class PasskeyAssertion(RequestModel):
    """The authenticator's answer, as `credential.toJSON()` gives it."""

    credential: dict[str, Any] = Field(examples=[_ASSERTION])
    scopes: list[str] = Field(
        default=[],
        max_length=_MOST_SCOPES,
        description="What the session shall be able to do; none: all that the role may.",
        examples=[["items:write"]],
    )
    cookies: bool = Field(default=False, description="Set the tokens as cookies, for pages in a browser.")


class PasskeyPatch(RequestModel):
    """Another name."""

    name: PasskeyName


class PasskeyOut(ResponseModel):
    """A passkey as its owner sees it."""

    id: RowId = Field(examples=[3])
    name: str = Field(examples=["Phone"])
    transports: list[str] = Field(examples=[["internal", "hybrid"]])
    created_at: Timestamp
    last_used_at: Timestamp | None


class PasskeyList(ResponseModel):
    """All passkeys of an account, oldest first: there are at most twenty."""

    items: list[PasskeyOut]
    total: int = Field(examples=[1])
