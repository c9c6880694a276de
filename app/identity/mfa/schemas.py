"""What clients send and see of their second factor."""

from typing import Annotated, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from app.core.http.schemas import RequestModel, ResponseModel, Timestamp, shaped

_LONGEST_TOKEN = 4096
_LONGEST_PASSWORD_SENT = 1024
TotpCode = Annotated[
    str,
    BeforeValidator(lambda code: code.replace(" ", "") if isinstance(code, str) else code),
    *shaped(r"^[0-9]{6}$", "must be the six digits that the app shows"),
    Field(description="The six digits that the app shows.", examples=["287082"]),
]


class PasswordConfirmation(RequestModel):
    """The password once more, so that a stolen session changes no factor."""

    # A password is taken as it is typed, blanks included.
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    password: str = Field(max_length=_LONGEST_PASSWORD_SENT, examples=["Lovelace-1815!"])


class SecondFactorOut(ResponseModel):
    """What an account has beside its password."""

    totp_enabled_at: Timestamp | None = Field(description="Since when logins need a code; null: they do not.")
    recovery_codes_left: int = Field(examples=[10])
    passkeys: int = Field(description="How many passkeys there are.", examples=[1])
    is_required: bool = Field(description="Whether this shop demands a second factor of this account.")
    is_satisfied: bool = Field(description="Whether this very session has shown a second factor.")


class TotpEnrolment(ResponseModel):
    """A secret for an authenticator app, shown once; it counts after the first code."""

    secret: str = Field(description="Base32, for typing.", examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"])
    otpauth_uri: str = Field(
        description="For apps on this very device.",
        examples=["otpauth://totp/Bookstore:ada?secret=JBSWY3DPEHPK3PXP&issuer=Bookstore"],
    )
    qr_svg: str = Field(
        description="The URI as a QR code: an SVG document.",
        examples=['<svg xmlns="http://www.w3.org/2000/svg" width="180" height="180">…</svg>'],
    )


class TotpConfirmation(RequestModel):
    """The first code of the app that was just set up."""

    code: TotpCode


class RecoveryCodesOut(ResponseModel):
    """Codes for the day the device is lost, each good for one login. They are never shown again."""

    recovery_codes: list[str] = Field(
        examples=[["K7QX-2MBD-PLWZ-4TRA-Q6HV-XE2N", "ZB5N-QJ3C-W6YH-XE2V-M4KD-7RPA"]]
    )


class FactorAnswer(RequestModel):
    """What shows the second factor: a code of the app, or a recovery code."""

    code: TotpCode | None = None
    recovery_code: str | None = Field(
        default=None,
        min_length=16,
        max_length=40,
        description="As it was shown; case, dashes and blanks do not matter.",
        examples=["K7QX-2MBD-PLWZ-4TRA-Q6HV-XE2N"],
    )


class MfaAnswer(FactorAnswer):
    """The second half of a login: a code of the app, or a recovery code."""

    mfa_token: str = Field(
        max_length=_LONGEST_TOKEN,
        description="From the `mfa-required` problem.",
        examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6ImNoYWxsZW5nZStqd3QifQ…"],
    )
    cookies: bool = Field(default=False, description="Set the tokens as cookies, for pages in a browser.")

    @model_validator(mode="after")
    def _has_one_answer(self) -> Self:
        if (self.code is None) == (self.recovery_code is None):
            raise ValueError("send either code or recovery_code")
        return self
