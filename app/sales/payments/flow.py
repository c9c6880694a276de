"""Paying, as the provider takes part in it: short transactions, and between them, in none, the network."""

from contextlib import suppress

import structlog

from app.sales.models import PaymentStatus
from app.sales.payments.errors import PaymentUnderWay
from app.sales.payments.port import (
    Charge,
    PaymentProvider,
    ProviderRefused,
    ProviderUnavailable,
    provider_key,
)
from app.sales.payments.providers import Providers
from app.sales.payments.repository import Transaction
from app.sales.payments.schemas import PaymentIn, ProviderName
from app.sales.payments.service import OVER, PaymentService, UnderWay

_log = structlog.get_logger(__name__)


class PaymentFlow:
    """Begins payments, asks their providers, and settles what those say."""

    def __init__(self, transaction: Transaction, providers: Providers) -> None:
        self._transaction = transaction
        self._providers = providers

    async def pay(
        self, buyer_id: int, number: str, wanted: PaymentIn, request_key: bytes
    ) -> tuple[int, str | None]:
        """Pay what is due: the payment's id, and the secret with which the browser goes on.

        The row is committed before the provider hears of it, so that whatever happens then, somebody asks again
        with the same key. A provider that does not answer leaves the payment pending.
        Raises OrderNotFound, OrderAlreadyPaid, OrderNotPayable, PaymentUnderWay, ProviderNotOffered,
        UnknownGiftCard, GiftCardEmpty.
        """
        is_asked = wanted.provider is not ProviderName.GIFT_CARD
        provider = self._providers.get(wanted.provider) if is_asked else None
        begun = await self._start(buyer_id, number, wanted, request_key)
        if begun.is_older:
            # The buyer turned back half-way and pays in another way, or in another window.
            with suppress(ProviderUnavailable):
                await self.stop(begun.id)
            begun = await self._start(buyer_id, number, wanted, request_key)
        if begun.is_older:
            raise PaymentUnderWay("The payment before it could not be stopped.")
        if begun.is_over or provider is None:
            return begun.id, None
        try:
            charge = await self._charge(provider, begun)
        except ProviderUnavailable as silence:
            _log.warning("payment_unanswered", payment_id=begun.id, error=silence)
            return begun.id, None
        return begun.id, charge.client_secret

    async def resume(self, buyer_id: int, number: str, payment_id: int) -> None:
        """The buyer is back from the provider: look what became of it. Raises OrderNotFound, PaymentNotFound."""
        async with self._transaction() as session:
            payment = await PaymentService.build(session).get_own(buyer_id, number, payment_id)
        if payment.is_over or payment.reference is None:
            return
        try:
            charge = await self._providers.get(payment.provider).resume(payment.reference)
        except (ProviderUnavailable, ProviderRefused) as silence:
            _log.warning("payment_unanswered", payment_id=payment_id, error=silence)
            return
        await self._settle(payment_id, charge)

    async def ask(self, payment_id: int) -> None:
        """Ask the provider how the payment stands, if it is not over. Raises ProviderUnavailable, ProviderRefused."""
        payment = await self._find(payment_id)
        if payment is None or payment.is_over:
            return
        provider = self._providers.get(payment.provider)
        reference = payment.reference
        if reference is None:
            charge = await self._charge(provider, payment)
            if charge.status in OVER:
                return
            # The same key may have brought the first answer again, which has grown old meanwhile.
            reference = charge.reference
        charge = await provider.fetch(reference)
        if charge.status is PaymentStatus.REQUIRES_ACTION and not payment.is_wanted:
            # When the order was called off nobody knew by what name to stop it.
            charge = await provider.cancel(reference, provider_key(payment_id, "cancel"))
        await self._settle(payment_id, charge)

    async def ask_about_disputes(self, payment_id: int) -> None:
        """Ask the provider whether the payment is disputed. Raises ProviderUnavailable, ProviderRefused."""
        payment = await self._find(payment_id)
        if payment is None or payment.reference is None:
            return
        is_disputed = await self._providers.get(payment.provider).is_disputed(payment.reference)
        async with self._transaction() as session:
            await PaymentService.build(session).note_dispute(payment_id, is_disputed=is_disputed)

    async def stop(self, payment_id: int) -> None:
        """Cancel the payment with its provider, unless it is over there. Raises ProviderUnavailable, ProviderRefused."""
        payment = await self._find(payment_id)
        if payment is None or payment.is_over or payment.reference is None:
            return
        provider = self._providers.get(payment.provider)
        key = provider_key(payment_id, "cancel")
        await self._settle(payment_id, await provider.cancel(payment.reference, key))

    async def _start(self, buyer_id: int, number: str, wanted: PaymentIn, request_key: bytes) -> UnderWay:
        async with self._transaction() as session:
            return await PaymentService.build(session).start(buyer_id, number, wanted, request_key)

    async def _find(self, payment_id: int) -> UnderWay | None:
        async with self._transaction() as session:
            return await PaymentService.build(session).find(payment_id)

    async def _charge(self, provider: PaymentProvider, payment: UnderWay) -> Charge:
        try:
            charge = await provider.charge(payment.request)
        except ProviderRefused as refusal:
            charge = Charge("", PaymentStatus.FAILED, payment.request.amount, failure_code=refusal.code)
        await self._settle(payment.id, charge)
        return charge

    async def _settle(self, payment_id: int, charge: Charge) -> None:
        async with self._transaction() as session:
            await PaymentService.build(session).settle(payment_id, charge)
