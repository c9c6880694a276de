"""Editing shipping methods, with an entry in the audit log each time."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import differences, record_audit, record_edit
from app.core.clock import utc_now
from app.core.http.conditional import Precondition
from app.sales.models import ShippingMethod
from app.sales.shipping.errors import no_method
from app.sales.shipping.repository import ShippingMethodRepository
from app.sales.shipping.schemas import ShippingMethodIn, ShippingMethodPatch


class ShippingMethodService:
    """Edits shipping methods. Orders keep the option that they were made with."""

    def __init__(self, session: AsyncSession, methods: ShippingMethodRepository) -> None:
        self._session = session
        self._methods = methods

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, ShippingMethodRepository(session))

    async def create(self, request: ShippingMethodIn) -> int:
        """Add a method; its id. Raises ShippingCodeTaken."""
        fields = request.model_dump(exclude={"bands"})
        method = ShippingMethod(**fields)
        await self._methods.add(method)
        if request.bands:
            await self._methods.set_bands(method, request.bands)
        added = {name: (None, value) for name, value in request.model_dump(mode="json").items()}
        record_audit(self._session, "shipping_method.created", ("shipping_method", method.id), added)
        return method.id

    async def change(
        self, method_id: int, precondition: Precondition, request: ShippingMethodIn | ShippingMethodPatch
    ) -> None:
        """Set all of a whole method, of a patch what was sent.

        Raises ShippingMethodNotFound, StaleVersion, ShippingCodeTaken.
        """
        method = await self._lock(method_id, precondition)
        names = request.fields_to_set
        changes = differences(method, request.model_dump(include=set(names - {"bands"})))
        for name, (_, value) in changes.items():
            setattr(method, name, value)
        if "bands" in names:
            changes["bands"] = (None, request.model_dump(mode="json", include={"bands"})["bands"])
            # Which is a change of the method: another version of it.
            method.updated_at = utc_now()
            await self._methods.set_bands(method, request.bands)
        record_edit(self._session, "shipping_method.changed", ("shipping_method", method_id), changes)
        await self._methods.flush()

    async def delete(self, method_id: int, precondition: Precondition) -> None:
        """Delete a method. Raises ShippingMethodNotFound, StaleVersion."""
        method = await self._lock(method_id, precondition)
        gone = {"code": (method.code, None), "name": (method.name, None)}
        record_audit(self._session, "shipping_method.deleted", ("shipping_method", method_id), gone)
        await self._methods.delete(method)

    async def _lock(self, method_id: int, precondition: Precondition) -> ShippingMethod:
        method = await self._methods.lock(method_id)
        if method is None:
            raise no_method(method_id)
        precondition.check(method.version)
        return method
