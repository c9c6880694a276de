"""What this site is to an authenticator, and what it makes of an authenticator's answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import (
    base64url_to_bytes,
    options_to_json_dict,
    parse_authentication_credential_json,
    parse_client_data_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from app.core.settings.settings import Settings
from app.identity.challenges import CHALLENGE_LIFETIME

JsonObject = dict[str, Any]
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HANDLE_BYTES = 8
_TRANSPORTS = {transport.value for transport in AuthenticatorTransport}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Presented:
    """A passkey as it presents itself, before anything of it is believed."""

    credential_id: bytes
    user_handle: bytes | None


class RelyingParty:
    """This site: its domain (`MFA_RP_ID`, else the host of `PUBLIC_URL`) and the origins on it.

    Every `verify_` answers None for whatever does not hold; the reason goes to the log alone.
    """

    def __init__(self, settings: Settings) -> None:
        self.rp_id = settings.mfa.rp_id or urlsplit(settings.public_url).hostname or "localhost"
        self._name = settings.mfa.issuer
        candidates = (settings.public_url, *settings.cors.origins)
        self.origins = [
            _origin(url)
            for url in candidates
            if f".{urlsplit(url).hostname or ''}".endswith(f".{self.rp_id}")
        ]

    def registration_options(
        self, challenge: str, user_id: int, username: str, known: Sequence[bytes]
    ) -> JsonObject:
        """For `navigator.credentials.create()`: a discoverable passkey that verifies its user."""
        options = generate_registration_options(
            rp_id=self.rp_id,
            rp_name=self._name,
            user_id=user_handle(user_id),
            user_name=username,
            challenge=challenge.encode(),
            timeout=CHALLENGE_LIFETIME * 1000,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=credential_id) for credential_id in known],
        )
        return options_to_json_dict(options)

    def login_options(self, challenge: str) -> JsonObject:
        """For `navigator.credentials.get()`, with whatever passkey of this site the user picks."""
        options = generate_authentication_options(
            rp_id=self.rp_id,
            challenge=challenge.encode(),
            timeout=CHALLENGE_LIFETIME * 1000,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json_dict(options)

    def verify_registration(self, credential: JsonObject, challenge: str) -> VerifiedRegistration | None:
        """The new passkey, if the answer is to this challenge, from this site, by a verified user."""
        try:
            return verify_registration_response(
                credential=credential,
                expected_challenge=challenge.encode(),
                expected_rp_id=self.rp_id,
                expected_origin=self.origins,
                require_user_verification=True,
            )
        except Exception as fault:  # noqa: BLE001 (the library lets KeyError and the like through for foreign bytes)
            _not_believed(fault)
            return None

    def verify_login(
        self, credential: JsonObject, challenge: str, public_key: bytes
    ) -> VerifiedAuthentication | None:
        """The proof, if it holds. The sign count is left to the database, which compares and sets at once."""
        try:
            return verify_authentication_response(
                credential=credential,
                expected_challenge=challenge.encode(),
                expected_rp_id=self.rp_id,
                expected_origin=self.origins,
                credential_public_key=public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except Exception as fault:  # noqa: BLE001 (as above)
            _not_believed(fault)
            return None


def challenge_of(credential: JsonObject) -> str:
    """The challenge that the answer claims to be for; empty when there is none to be read."""
    try:
        client_data = base64url_to_bytes(credential["response"]["clientDataJSON"])
        return parse_client_data_json(client_data).challenge.decode()
    except Exception as fault:  # noqa: BLE001 (foreign bytes, as above)
        _not_believed(fault)
        return ""


def presented(credential: JsonObject) -> Presented | None:
    """Which passkey answers, for whom as it says; None when that cannot be read."""
    try:
        parsed = parse_authentication_credential_json(credential)
    except Exception as fault:  # noqa: BLE001 (foreign bytes, as above)
        _not_believed(fault)
        return None
    return Presented(parsed.raw_id, parsed.response.user_handle)


def transports_of(credential: Mapping[str, Any]) -> list[str]:
    """How the authenticator can be reached, as far as the words are known."""
    named = credential["response"].get("transports")
    return sorted(_TRANSPORTS.intersection(str(each) for each in named)) if isinstance(named, list) else []


def user_handle(user_id: int) -> bytes:
    """How authenticators know the account: its id, which says nothing about the person."""
    return user_id.to_bytes(_HANDLE_BYTES, "big")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    is_default = parts.port is None or parts.port == _DEFAULT_PORTS.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}" + ("" if is_default else f":{parts.port}")


def _not_believed(fault: Exception) -> None:
    _log.info("passkey_not_believed", reason=fault)
