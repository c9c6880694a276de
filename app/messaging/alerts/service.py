"""Alerts: set by whoever is logged in, asked for by anybody and confirmed by who reads the address, ended by one click."""

from dataclasses import replace
from decimal import Decimal
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.goods.errors import no_item
from app.core.events.events import publish
from app.identity.emails import email_key
from app.messaging.alerts.errors import AlertNotFound, ItemWithoutPrice
from app.messaging.alerts.events import AlertRequested, AlertsDue
from app.messaging.alerts.models import AlertKind, ItemAlert
from app.messaging.alerts.repository import Address, AlertRepository, Wish
from app.messaging.alerts.schemas import AlertIn, ConfirmedAlertOut
from app.messaging.email.lists import MailList, OptInService, dead_link
from app.messaging.email.repository import MailRepository
from app.messaging.email.service import LISTS

_TEMPLATES = [template.value for template, (name, _) in LISTS.items() if name is MailList.ALERT]


class AlertService:
    """Sets, confirms, ends and tells alerts."""

    def __init__(
        self, session: AsyncSession, alerts: AlertRepository, opt_ins: OptInService, mails: MailRepository
    ) -> None:
        self._session = session
        self._alerts = alerts
        self._opt_ins = opt_ins
        self._mails = mails

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, AlertRepository(session), OptInService.build(session), MailRepository(session))

    async def put(self, user_id: int, item_id: int, kind: AlertKind, below: Decimal | None = None) -> int:
        """Have the account told, once its address is proven. The alert's id. Raises ItemNotFound, ItemWithoutPrice."""
        return await self._alerts.put(user_id, await self._wish(item_id, kind, below))

    async def request(self, item_id: int, wanted: AlertIn, language: str | None) -> None:
        """Ask the reader of the address whether they want it; nobody learns what waits there already.

        Raises ItemNotFound, ItemWithoutPrice.
        """
        wish = await self._wish(item_id, wanted.kind, wanted.below)
        address = Address(wanted.email, email_key(wanted.email), language)
        await publish(self._session, AlertRequested(await self._alerts.request(address, wish)))

    async def confirm(self, raw: str) -> ConfirmedAlertOut:
        """The address that the token was mailed to waits from now on. Raises InvalidOneTimeToken."""
        alert_id = await self._opt_ins.get_target(MailList.ALERT, raw)
        is_new = await self._alerts.confirm(alert_id)
        await self._opt_ins.use(MailList.ALERT, raw)
        alert = await self._alerts.find(alert_id) if is_new else None
        if alert is None:
            raise dead_link()
        return ConfirmedAlertOut(item_id=alert.item_id, kind=AlertKind(alert.kind))

    async def remove(self, user_id: int, item_id: int, kind: AlertKind) -> None:
        """End one of the account's own. Raises AlertNotFound."""
        alert = await self._alerts.find_own(user_id, item_id, kind)
        if alert is None:
            raise AlertNotFound(f"You have no alert {kind.value} for item {item_id}.")
        await self._end(alert)

    async def end(self, alert_id: int) -> None:
        """End it, and drop its mail that waits to be sent; the second time nothing is left to end."""
        alert = await self._alerts.find(alert_id)
        if alert is not None:
            await self._end(alert)

    async def tell(self, due: AlertsDue) -> int:
        """Mail who waits for what these events of the feed tell; how many. One at a time in the whole shop.

        Of restocks all are told at once, which are few; of lower prices a batch, which names the next one.
        """
        await self._alerts.lock()
        told = 0 if due.after else await self._alerts.tell_restocked(due.first, due.last)
        last = await self._alerts.find_last_dropped(due.first, due.last, due.after)
        if last is None:
            return told
        await publish(self._session, replace(due, after=last))
        return told + await self._alerts.tell_price_drops(due, last)

    async def _end(self, alert: ItemAlert) -> None:
        user_id = alert.user_id
        recipient = alert.email if user_id is None else await self._alerts.find_address(user_id)
        await self._alerts.delete(alert.id)
        if recipient is not None:
            await self._mails.drop_waiting(recipient, _TEMPLATES, alert.id)
        await self._opt_ins.end(MailList.ALERT, alert.id)

    async def _wish(self, item_id: int, kind: AlertKind, below: Decimal | None) -> Wish:
        priced = await self._alerts.find_price(item_id)
        if priced is None:
            raise no_item(item_id)
        if kind is AlertKind.PRICE_DROP and priced.price is None and below is None:
            raise ItemWithoutPrice("Say below which price you want to hear of it.")
        return Wish(item_id, kind, below, priced.price, priced.currency)
