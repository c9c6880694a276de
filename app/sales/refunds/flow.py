"""Giving money back, as providers take part in it: short transactions, and between them, in none, the network."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.models import RefundStatus
from app.sales.payments.port import (
    ProviderRefund,
    ProviderRefused,
    ProviderUnavailable,
    RefundRequest,
    provider_key,
)
from app.sales.payments.providers import Providers
from app.sales.payments.repository import Transaction
from app.sales.refunds.repository import PendingPart, RefundRepository
from app.sales.refunds.service import RefundService

_log = structlog.get_logger(__name__)


class RefundFlow:
    """Writes refunds down, asks the providers for them, and settles what those say."""

    def __init__(self, transaction: Transaction, providers: Providers, fresh_above: Decimal) -> None:
        self._transaction = transaction
        self._providers = providers
        self._fresh_above = fresh_above

    async def refund(self, start: Callable[[AsyncSession, Decimal], Awaitable[int]]) -> int:
        """Give back what `start` writes down in a transaction, which it is given with the amount above which it asks
        for a fresh proof; the refund's id. It stays pending where a provider does not answer. Raises what `start` does.
        """
        async with self._transaction() as session:
            refund_id = await start(session, self._fresh_above)
        with suppress(ProviderUnavailable):
            await self.carry_out(refund_id)
        return refund_id

    async def carry_out(self, refund_id: int) -> None:
        """Ask the providers for what is pending of the refund. Raises ProviderUnavailable where one is silent."""
        async with self._transaction() as session:
            pending = await RefundRepository(session).list_pending(refund_id)
        silent: ProviderUnavailable | None = None
        for part in pending:
            try:
                outcome = await self._ask(part)
            except ProviderUnavailable as silence:
                _log.warning("refund_unanswered", refund_id=refund_id, error=silence)
                silent = silence
                continue
            async with self._transaction() as session:
                await RefundService.build(session).settle(part.id, outcome)
        if silent is not None:
            raise silent

    async def _ask(self, part: PendingPart) -> ProviderRefund:
        provider = self._providers.get(part.provider)
        try:
            if part.reference is not None:
                return await provider.fetch_refund(part.reference)
            key = provider_key(part.payment_id, f"refund-{part.id}")
            request = RefundRequest(key, part.payment_id, part.charge, part.amount, part.currency)
            return await provider.refund(request)
        except ProviderRefused as refusal:
            return ProviderRefund("", RefundStatus.FAILED, refusal.code)
