"""Answers in the standards' own words."""

from pydantic import ConfigDict, Field

from app.core.http.schemas import FormModel, ResponseModel


class OneTokenForm(FormModel):
    """The token in question (RFC 7009 §2.1, RFC 7662 §2.1); parameters that we do not know are ignored."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)

    token: str = Field(min_length=1, max_length=4096, examples=["rt_6Vx0…"])
    token_type_hint: str | None = Field(
        default=None, max_length=100, description="Not needed: tokens tell their own kind."
    )


class IntrospectionOut(ResponseModel):
    """What a token is worth (RFC 7662 §2.2); of one that does not work, only that."""

    active: bool = Field(examples=[True])
    scope: str | None = Field(default=None, examples=["items:write"])
    username: str | None = Field(default=None, examples=["ada"])
    token_type: str | None = Field(default=None, examples=["Bearer"])
    exp: int | None = Field(default=None, examples=[1767225600])
    iat: int | None = Field(default=None, examples=[1767224700])
    sub: str | None = Field(default=None, examples=["7"])
    aud: str | None = Field(default=None, examples=["bookstore-api"])
    iss: str | None = Field(default=None, examples=["https://shop.example.com"])
    jti: str | None = Field(default=None, examples=["0b6f0ecf3d3c4e0e9a3c0d6b3f6f8f52"])
    sid: str | None = Field(default=None, examples=["019ab6c2-6a55-7d3c-9a39-0d3c1c2f4b5e"])


class ServerMetadataOut(ResponseModel):
    """The authorization server (RFC 8414 §2)."""

    issuer: str = Field(examples=["https://shop.example.com"])
    token_endpoint: str
    revocation_endpoint: str
    introspection_endpoint: str
    jwks_uri: str
    service_documentation: str | None
    scopes_supported: list[str]
    response_types_supported: list[str] = Field(description="Empty: there is no authorization endpoint.")
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]


class KeyOut(ResponseModel):
    """A public key (RFC 8037)."""

    kty: str = Field(examples=["OKP"])
    crv: str = Field(examples=["Ed25519"])
    x: str
    kid: str
    alg: str = Field(examples=["EdDSA"])
    use: str = Field(examples=["sig"])


class KeySetOut(ResponseModel):
    """The public keys (RFC 7517); none while tokens are signed with a shared secret."""

    keys: list[KeyOut] = Field(examples=[[]])
