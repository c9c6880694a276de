"""Stripe, by its own SDK: PaymentIntents that the buyer's browser confirms, refunds, signed webhooks."""

import logging
from collections.abc import Awaitable, Mapping
from decimal import Decimal
from typing import TypeVar

import aiohttp
import stripe

from app.core.settings.groups import StripeSettings
from app.sales.models import PaymentStatus, RefundStatus
from app.sales.payments.errors import WebhookRefused
from app.sales.payments.port import (
    Charge,
    ChargeRequest,
    ProviderRefund,
    ProviderRefused,
    ProviderUnavailable,
    RefundRequest,
    WebhookEvent,
)

# Its logs hold addresses and, from DEBUG on, whole answers; its telemetry is nobody's business.
logging.getLogger("stripe").setLevel(logging.WARNING)
stripe.enable_telemetry = False

_Result = TypeVar("_Result")
_BEFORE_CAPTURE = {
    "succeeded": PaymentStatus.SUCCEEDED,
    "canceled": PaymentStatus.CANCELLED,
    "processing": PaymentStatus.PENDING,
}
"""Of a PaymentIntent; in any other state the buyer can still pay."""
_REFUNDED = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
_SETTLED = frozenset({"won", "warning_closed", "prevented"})
"""How disputes stand that took nothing."""
_WHOLE = (
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "JPY",
    "KMF",
    "KRW",
    "MGA",
    "PYG",
    "RWF",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
)
_THOUSANDTHS = ("BHD", "JOD", "KWD", "OMR", "TND")
_NOT_IN_HUNDREDTHS = {
    **dict.fromkeys(_WHOLE, 0),
    **dict.fromkeys(_THOUSANDTHS, 3),
}
"""How many decimals Stripe counts in the smallest unit of these currencies; of all others two."""
_KEY_IN_USE = 409
_SERVER_ERROR = 500


class StripeProvider:
    """One account at Stripe."""

    def __init__(self, settings: StripeSettings, timeout: float) -> None:
        if settings.secret_key is None or settings.webhook_secret is None:
            raise ValueError("STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET")
        self._secret = settings.webhook_secret.get_secret_value()
        self._http = stripe.AIOHTTPClient(timeout=aiohttp.ClientTimeout(total=timeout))
        self._client = stripe.StripeClient(
            settings.secret_key.get_secret_value(),
            base_addresses={"api": settings.base_url} if settings.base_url else None,
            http_client=self._http,
            # The shop asks again by itself, with the same key and no transaction open.
            max_network_retries=0,
        )

    async def charge(self, request: ChargeRequest) -> Charge:
        """Make a PaymentIntent, for the browser to confirm with its client secret."""
        made = self._client.v1.payment_intents.create_async(
            {
                "amount": to_minor(request.amount, request.currency),
                "currency": request.currency.lower(),
                "automatic_payment_methods": {"enabled": True},
                "description": request.order_number,
                "metadata": {"payment_id": str(request.payment_id), "order": request.order_number},
            },
            {"idempotency_key": request.key},
        )
        return _charge(await _answer(made))

    async def fetch(self, reference: str) -> Charge:
        """Retrieve the PaymentIntent."""
        return _charge(await _answer(self._client.v1.payment_intents.retrieve_async(reference)))

    async def resume(self, reference: str) -> Charge:
        """Retrieve it: the browser has confirmed it with Stripe itself."""
        return await self.fetch(reference)

    async def cancel(self, reference: str, key: str) -> Charge:
        """Cancel the PaymentIntent, unless it is over."""
        cancelled = self._client.v1.payment_intents.cancel_async(reference, {}, {"idempotency_key": key})
        try:
            return _charge(await _answer(cancelled))
        except ProviderRefused:
            return await self.fetch(reference)

    async def refund(self, request: RefundRequest) -> ProviderRefund:
        """Refund of the PaymentIntent's charge."""
        made = self._client.v1.refunds.create_async(
            {
                "payment_intent": request.charge,
                "amount": to_minor(request.amount, request.currency),
                "metadata": {"payment_id": str(request.payment_id)},
            },
            {"idempotency_key": request.key},
        )
        return _refund(await _answer(made))

    async def fetch_refund(self, reference: str) -> ProviderRefund:
        """Retrieve the refund."""
        return _refund(await _answer(self._client.v1.refunds.retrieve_async(reference)))

    async def is_disputed(self, reference: str) -> bool:
        """List the disputes about the PaymentIntent: one that was won, or came to nothing, does not count."""
        found = await _answer(self._client.v1.disputes.list_async({"payment_intent": reference}))
        return any(dispute.status not in _SETTLED for dispute in found.data)

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
        """Verify and read an event. Raises WebhookRefused."""
        try:
            event = self._client.construct_event(body, headers.get("stripe-signature"), self._secret)
        except (stripe.SignatureVerificationError, ValueError):
            # Not `from` it: it holds the body.
            raise WebhookRefused("The signature does not fit the body, or is too old.") from None
        about = event.data.object.to_dict()
        is_intent = about.get("object") == "payment_intent"
        reference = about.get("id") if is_intent else about.get("payment_intent")
        named = str((about.get("metadata") or {}).get("payment_id", ""))
        return WebhookEvent(
            event.id,
            event.type,
            int(named) if named.isascii() and named.isdigit() else None,
            reference if isinstance(reference, str) else None,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]  # the library's one method without types


def to_minor(amount: Decimal, currency: str) -> int:
    """The amount in the currency's smallest unit. Raises ProviderRefused where there is none so small."""
    units = amount.scaleb(_NOT_IN_HUNDREDTHS.get(currency, 2))
    if units != units.to_integral_value():
        raise ProviderRefused("amount_too_precise")
    return int(units)


async def _answer(asked: Awaitable[_Result]) -> _Result:
    """What Stripe answers. Raises ProviderUnavailable, ProviderRefused, neither of which repeats its words."""
    try:
        return await asked
    except (
        stripe.APIConnectionError,
        stripe.RateLimitError,
        stripe.AuthenticationError,
        stripe.PermissionError,
    ) as fault:
        raise ProviderUnavailable(f"Stripe: {type(fault).__name__}") from None
    except stripe.StripeError as fault:
        status = fault.http_status or _SERVER_ERROR
        if status >= _SERVER_ERROR or status == _KEY_IN_USE:
            raise ProviderUnavailable(f"Stripe: {status}") from None
        raise ProviderRefused(fault.code or "refused") from None


def _charge(intent: stripe.PaymentIntent) -> Charge:
    status = _BEFORE_CAPTURE.get(intent.status, PaymentStatus.REQUIRES_ACTION)
    decimals = _NOT_IN_HUNDREDTHS.get(intent.currency.upper(), 2)
    fault = intent.last_payment_error
    return Charge(
        intent.id,
        status,
        Decimal(intent.amount_received).scaleb(-decimals),
        intent.client_secret if status is PaymentStatus.REQUIRES_ACTION else None,
        fault.code if fault else None,
    )


def _refund(refund: stripe.Refund) -> ProviderRefund:
    status = _REFUNDED.get(refund.status or "", RefundStatus.PENDING)
    return ProviderRefund(refund.id, status, getattr(refund, "failure_reason", None))
