"""Editing tax rates, with an entry in the audit log each time."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import differences, record_audit, record_edit
from app.core.http.conditional import Precondition
from app.sales.models import TaxRate
from app.sales.taxes.errors import no_tax_rate
from app.sales.taxes.repository import TaxRateRepository
from app.sales.taxes.schemas import TaxRateIn, TaxRatePatch


class TaxRateService:
    """Edits tax rates. Orders keep the rates that they were made with."""

    def __init__(self, session: AsyncSession, rates: TaxRateRepository) -> None:
        self._session = session
        self._rates = rates

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, TaxRateRepository(session))

    async def create(self, request: TaxRateIn) -> int:
        """Add a rate; its id. Raises TaxRatesOverlap, TaxRateNeverValid."""
        fields = request.model_dump()
        rate = TaxRate(**fields)
        await self._rates.add(rate)
        added = {name: (None, value) for name, value in fields.items()}
        record_audit(self._session, "tax_rate.created", ("tax_rate", rate.id), added)
        return rate.id

    async def change(self, rate_id: int, precondition: Precondition, patch: TaxRatePatch) -> None:
        """Set what was sent. Raises TaxRateNotFound, StaleVersion, TaxRatesOverlap, TaxRateNeverValid."""
        rate = await self._lock(rate_id, precondition)
        changes = differences(rate, patch.sent())
        record_edit(self._session, "tax_rate.changed", ("tax_rate", rate_id), changes)
        for name, (_, value) in changes.items():
            setattr(rate, name, value)
        await self._rates.flush()

    async def delete(self, rate_id: int, precondition: Precondition) -> None:
        """Delete a rate. Raises TaxRateNotFound, StaleVersion."""
        rate = await self._lock(rate_id, precondition)
        gone = {name: (getattr(rate, name), None) for name in TaxRateIn.model_fields}
        record_audit(self._session, "tax_rate.deleted", ("tax_rate", rate_id), gone)
        await self._rates.delete(rate)

    async def _lock(self, rate_id: int, precondition: Precondition) -> TaxRate:
        rate = await self._rates.lock(rate_id)
        if rate is None:
            raise no_tax_rate(rate_id)
        precondition.check(rate.version)
        return rate
