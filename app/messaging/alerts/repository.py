"""Writes alerts, and tells them set by set."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Numeric,
    Select,
    Text,
    and_,
    any_,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.catalog.goods.queries import BUYABLE
from app.catalog.models import Item, StockLevel
from app.core.db.batches import delete_some
from app.core.db.locks import AdvisoryLock, acquire
from app.core.events.events import OutboxEvent, publish_each
from app.identity.models import User
from app.messaging.alerts.events import AlertsDue, AlertTold
from app.messaging.alerts.models import AlertKind, AlertState, ItemAlert
from app.messaging.email.models import MailRecord, MailSuppression
from app.messaging.email.repository import MailRepository
from app.messaging.email.templates import Template
from app.messaging.notifications.kinds import KINDS, Channel
from app.messaging.notifications.queries import hears_of, is_told

BATCH = 5000
"""Alerts of lower prices that one transaction goes through."""


class Wish(NamedTuple):
    """What is asked for, of which item, at what it costs now."""

    item_id: int
    kind: AlertKind
    below: Decimal | None
    price: Decimal | None
    currency: str


class Address(NamedTuple):
    """An address without an account."""

    email: str
    key: str
    language: str | None


class Priced(NamedTuple):
    """What an item costs."""

    price: Decimal | None
    currency: str


class Retention(NamedTuple):
    """Alerts of which moments before these are deleted."""

    pending: datetime
    done: datetime


class AlertRepository:
    """Alerts of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find_price(self, item_id: int) -> Priced | None:
        """What the item costs; None where there is none on sale."""
        found = select(Item.price, Item.currency).where(Item.id == item_id, Item.is_active)
        row = (await self._session.execute(found)).one_or_none()
        return None if row is None else Priced(*row)

    async def put(self, user_id: int, wish: Wish) -> int:
        """Have the account told; who waits for stock already keeps the place. The alert's id."""
        waits = and_(ItemAlert.state == AlertState.ACTIVE, ItemAlert.kind == AlertKind.BACK_IN_STOCK)
        wanted = insert(ItemAlert).values(
            **wish._asdict(), user_id=user_id, state=AlertState.ACTIVE, confirmed_at=func.now()
        )
        statement = wanted.on_conflict_do_update(
            constraint="uq_item_alerts_account",
            set_={
                "below": wish.below,
                "price": wish.price,
                "currency": wish.currency,
                "state": AlertState.ACTIVE,
                "confirmed_at": case((waits, ItemAlert.confirmed_at), else_=func.now()),
                "done_at": null(),
            },
        ).returning(ItemAlert.id)
        return (await self._session.scalars(statement)).one()

    async def request(self, address: Address, wish: Wish) -> int:
        """Note that the address is wanted to be told; one that waits already stays as it is. The alert's id."""
        waits = ItemAlert.state == AlertState.ACTIVE
        wanted = insert(ItemAlert).values(
            **wish._asdict(), email=address.email, email_key=address.key, language=address.language
        )
        fresh = {
            name: case((waits, getattr(ItemAlert, name)), else_=wanted.excluded[name])
            for name in ("email", "language", "below", "price", "currency")
        }
        state = case((waits, AlertState.ACTIVE.value), else_=AlertState.PENDING.value)
        statement = wanted.on_conflict_do_update(
            constraint="uq_item_alerts_address", set_={**fresh, "state": state, "created_at": func.now()}
        ).returning(ItemAlert.id)
        return (await self._session.scalars(statement)).one()

    async def find(self, alert_id: int) -> ItemAlert | None:
        """The alert as it is now."""
        return await self._session.get(ItemAlert, alert_id, populate_existing=True)

    async def find_title(self, item_id: int) -> str:
        """What the item is called."""
        return (await self._session.scalars(select(Item.title).where(Item.id == item_id))).one()

    async def confirm(self, alert_id: int) -> bool:
        """Have the alert wait from now on; False when nobody has to confirm it any more."""
        pending = (ItemAlert.id == alert_id, ItemAlert.state == AlertState.PENDING)
        statement = (
            update(ItemAlert)
            .where(*pending)
            .values(state=AlertState.ACTIVE, confirmed_at=func.now(), done_at=null())
            .returning(ItemAlert.id)
            .execution_options(synchronize_session=False)
        )
        return await self._session.scalar(statement) is not None

    async def find_own(self, user_id: int, item_id: int, kind: AlertKind) -> ItemAlert | None:
        """The account's alert."""
        theirs = (ItemAlert.user_id == user_id, ItemAlert.item_id == item_id, ItemAlert.kind == kind)
        return (await self._session.scalars(select(ItemAlert).where(*theirs))).one_or_none()

    async def delete(self, alert_id: int) -> None:
        """Delete the alert, if it is there."""
        statement = delete(ItemAlert).where(ItemAlert.id == alert_id)
        await self._session.execute(statement.execution_options(synchronize_session=False))

    async def find_address(self, user_id: int) -> str | None:
        """The address that the account has."""
        email: str | None = await self._session.scalar(select(User.email).where(User.id == user_id))
        return email

    async def are_waited_for(self, first: int, last: int) -> bool:
        """Whether somebody waits for one of these events of the feed."""
        item_id = cast(OutboxEvent.payload["item_id"].astext, BigInteger)
        waiting = exists().where(ItemAlert.item_id == item_id, ItemAlert.state == AlertState.ACTIVE)
        told = (OutboxEvent.type.in_(("stock.changed", "item.price_changed")), waiting)
        found = select(exists().where(OutboxEvent.sequence.between(first, last), *told))
        return bool(await self._session.scalar(found))

    async def lock(self) -> None:
        """Wait for whoever tells alerts, and keep others waiting until the transaction ends."""
        await self._session.execute(acquire(AdvisoryLock.ALERTS))

    async def tell_restocked(self, first: int, last: int) -> int:
        """Mail who waits for items of which there are more since, the longest waiting first; how many.

        No more are told than have come, and since an item came back no more than there are now: who was told before
        counts. Each address is told once, and its alert is done.
        """
        chosen = _choose_waiting(first, last).cte("chosen")
        done = (
            update(ItemAlert)
            .where(ItemAlert.id == chosen.c.id)
            .values(state=AlertState.DONE, done_at=func.now(), done_event_id=chosen.c.event_id)
            .returning(ItemAlert.id, *(column for column in chosen.c if column.name != "id"))
        ).cte("told")
        return await self._tell(Template.BACK_IN_STOCK, done)

    async def find_last_dropped(self, first: int, last: int, after: int) -> int | None:
        """The last alert of the next batch of those that wait for prices that went down since; None when none is left."""
        dropped = _dropped(first, last).subquery()
        waiting = (ItemAlert.kind == AlertKind.PRICE_DROP, ItemAlert.state == AlertState.ACTIVE)
        ids = select(ItemAlert.id).join(dropped, dropped.c.item_id == ItemAlert.item_id)
        batch = ids.where(ItemAlert.id > after, *waiting).order_by(ItemAlert.id).limit(BATCH).subquery()
        found: int | None = await self._session.scalar(select(func.max(batch.c.id)))
        return found

    async def tell_price_drops(self, due: AlertsDue, last_alert: int) -> int:
        """Mail who waits for prices that went down since, below what each waits for, of one batch; how many."""
        of_batch = ItemAlert.id.between(due.after + 1, last_alert)
        chosen = _choose_dropped(due.first, due.last).where(of_batch).subquery("chosen")
        return await self._tell(Template.PRICE_DROP, chosen)

    async def purge(self, before: Retention) -> int:
        """Delete what nobody confirmed, and what was told long ago; return how many."""
        stale = or_(
            and_(ItemAlert.state == AlertState.PENDING, ItemAlert.created_at < before.pending),
            and_(ItemAlert.state == AlertState.DONE, ItemAlert.done_at < before.done),
        )
        return await delete_some(self._session, ItemAlert.id, stale)

    async def _tell(self, template: Template, told: FromClause) -> int:
        """Queue the mails to these, and have those with an account told by their other channels; how many."""
        mails = await MailRepository(self._session).add_all(_mails(template, told))
        owned = (MailRecord.id == any_(cast(mails, ARRAY(BigInteger))), MailRecord.user_id.is_not(None))
        payloads = select(func.jsonb_build_object("mail_id", MailRecord.id)).where(*owned)
        await publish_each(self._session, AlertTold, payloads)
        return len(mails)


_KEY = func.coalesce(User.email_key, ItemAlert.email_key)


def _number(name: str) -> ColumnElement[int]:
    return cast(OutboxEvent.payload[name].astext, Integer)


def _price(name: str) -> ColumnElement[Decimal]:
    return cast(OutboxEvent.payload[name].astext, Numeric(12, 2))


def _changed(first: int, last: int, *where: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The items that these events are of, each with its latest."""
    item_id = cast(OutboxEvent.payload["item_id"].astext, BigInteger).label("item_id")
    changed = select(item_id, func.max(OutboxEvent.id).label("event_id"))
    return changed.where(OutboxEvent.sequence.between(first, last), *where).group_by(item_id)


def _reached(kind: AlertKind, template: Template) -> tuple[ColumnElement[bool], ...]:
    """Who of this kind can be told: open accounts with a proven address that want to be, and other addresses."""
    wants = and_(User.is_active, User.is_verified, is_told(KINDS[template]))
    suppressed = exists().where(MailSuppression.email_key == _KEY)
    return (
        ItemAlert.kind == kind,
        ItemAlert.state == AlertState.ACTIVE,
        or_(ItemAlert.user_id.is_(None), wants),
        ~suppressed,
    )


def _told(template: Template) -> Sequence[ColumnElement[Any]]:
    is_stranger = ItemAlert.user_id.is_(None)
    return (
        func.coalesce(User.email, ItemAlert.email).label("recipient"),
        case((is_stranger, ItemAlert.language), else_=User.language).label("language"),
        ItemAlert.user_id.label("user_id"),
        or_(is_stranger, hears_of(KINDS[template], Channel.MAIL)).label("is_mailed"),
    )


def _choose_waiting(first: int, last: int) -> Select[*tuple[Any, ...]]:
    before = func.greatest(func.coalesce(_number("old_available"), 0), 0)
    more = _number("available") > before
    restocked = (
        _changed(first, last, OutboxEvent.type == "stock.changed", more)
        .add_columns(func.sum(_number("available") - before).label("come"))
        .cte("restocked")
    )
    back, told = aliased(OutboxEvent), aliased(ItemAlert)
    came_back = select(func.max(back.id)).where(
        back.subject == func.concat("item:", cast(restocked.c.item_id, Text)),
        back.sequence <= last,
        back.type == "stock.back",
    )
    # Once for each item, not for each who waits: so these two are made before anything is joined to them.
    stocked = select(restocked, came_back.correlate(restocked).scalar_subquery().label("back_id"))
    since = stocked.cte("stocked").prefix_with("MATERIALIZED")
    told_since = select(func.count()).where(
        told.item_id == since.c.item_id,
        told.kind == AlertKind.BACK_IN_STOCK,
        told.done_event_id >= func.coalesce(since.c.back_id, 0),
    )
    copies = BUYABLE - told_since.correlate(since).scalar_subquery()
    free = (
        select(since.c.item_id, since.c.event_id, Item.title, Item.price, Item.currency)
        .add_columns(func.least(since.c.come, copies).label("copies"))
        .join(Item, Item.id == since.c.item_id)
        .outerjoin(StockLevel, StockLevel.item_id == since.c.item_id)
        .where(Item.is_active)
        .cte("free")
        .prefix_with("MATERIALIZED")
    )
    waiting = (
        select(ItemAlert.id, free, *_told(Template.BACK_IN_STOCK), ItemAlert.confirmed_at)
        .join(free, free.c.item_id == ItemAlert.item_id)
        .outerjoin(User, User.id == ItemAlert.user_id)
        .where(*_reached(AlertKind.BACK_IN_STOCK, Template.BACK_IN_STOCK), free.c.copies > 0)
        .ext(distinct_on(free.c.item_id, _KEY))
        .order_by(free.c.item_id, _KEY, ItemAlert.confirmed_at, ItemAlert.id)
    ).cte("waiting")
    in_line = func.row_number().over(
        partition_by=waiting.c.item_id, order_by=(waiting.c.confirmed_at, waiting.c.id)
    )
    ranked = select(waiting, in_line.label("place")).cte("ranked")
    return select(ranked).where(ranked.c.place <= ranked.c.copies)


def _dropped(first: int, last: int) -> Select[*tuple[Any, ...]]:
    # From no price to one counts: who said below what waits for just that.
    is_lower = or_(_price("price") < _price("old_price"), _price("old_price").is_(None))
    return _changed(first, last, OutboxEvent.type == "item.price_changed", is_lower)


def _choose_dropped(first: int, last: int) -> Select[*tuple[Any, ...]]:
    dropped = _dropped(first, last).cte("dropped")
    return (
        select(ItemAlert.id, dropped, Item.title, Item.price, Item.currency, *_told(Template.PRICE_DROP))
        .join(dropped, dropped.c.item_id == ItemAlert.item_id)
        .join(Item, Item.id == ItemAlert.item_id)
        .outerjoin(User, User.id == ItemAlert.user_id)
        .where(
            *_reached(AlertKind.PRICE_DROP, Template.PRICE_DROP),
            Item.is_active,
            Item.currency == ItemAlert.currency,
            # What it costs by now: it may have gone up again.
            Item.price < func.coalesce(ItemAlert.below, ItemAlert.price),
        )
        .ext(distinct_on(dropped.c.item_id, _KEY))
        .order_by(dropped.c.item_id, _KEY, ItemAlert.confirmed_at, ItemAlert.id)
    )


def _mails(template: Template, told: FromClause) -> Select[*tuple[Any, ...]]:
    """The mails to these, as `MailRepository.add_all` takes them; of who wants none there is what would have been said."""
    row = told.c
    state = case((row.is_mailed, "queued"), else_="dropped").label("state")
    about = func.jsonb_build_object("target_id", row.id, "item_id", row.item_id, "title", row.title)
    price = func.jsonb_build_object("price", cast(row.price, Text), "currency", row.currency)
    details = about.op("||")(price)
    said = (literal(template.value).label("template"), details.label("details"))
    return select(row.event_id, row.recipient, row.user_id, row.language, state, *said)
