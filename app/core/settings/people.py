"""The groups of settings for text messages and push messages."""

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import BaseModel, Field, SecretStr, field_validator

_P256 = 256


class SmsSettings(BaseModel):
    """Text messages: `SMS_*`. The gateway's address, the token it wants, and who the messages are from."""

    url: str = ""
    token: SecretStr | None = None
    sender: str = Field(default="Bookstore", min_length=1, max_length=16)

    @field_validator("url")
    @classmethod
    def _names_a_place(cls, url: str) -> str:
        if url and not url.startswith(("https://", "http://")):
            raise ValueError("must look like https://gateway.example.com/messages")
        return url

    @field_validator("token")
    @classmethod
    def _says_something(cls, token: SecretStr | None) -> SecretStr | None:
        return token if token is not None and token.get_secret_value() else None


class PushSettings(BaseModel):
    """Web Push: `PUSH_*`. The private key (VAPID, P-256, PEM), and the mail address that push services may write to."""

    private_key: SecretStr | None = None
    contact: str = Field(default="", pattern=r"^$|^[^@\s]+@[^@\s]+$")

    @field_validator("private_key")
    @classmethod
    def _is_a_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is None or not key.get_secret_value().strip():
            return None
        # In one line of an environment file a PEM has `\\n` for its line ends.
        pem = key.get_secret_value().replace("\\n", "\n")
        try:
            found = load_pem_private_key(pem.encode(), None)
        except (ValueError, TypeError):
            found = None
        if not isinstance(found, EllipticCurvePrivateKey) or found.curve.key_size != _P256:
            raise ValueError(
                "must be a private key of P-256 in PEM; openssl ecparam -genkey -name prime256v1"
            )
        return SecretStr(pem)
