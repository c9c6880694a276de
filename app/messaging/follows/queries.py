"""Reads of what somebody follows, and of what is new for whom."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    SQLColumnExpression,
    Subquery,
    case,
    func,
    select,
    union,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import aliased

from app.catalog.models import Author, Book, Contributor, Item, Series
from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult
from app.identity.models import User
from app.messaging.follows.errors import no_target
from app.messaging.follows.models import Follow, NewItem
from app.messaging.follows.schemas import FollowFilter, FollowOut
from app.messaging.follows.targets import FollowTarget

_Seller = aliased(User)
_TARGET = case(
    (Follow.author_id.is_not(None), FollowTarget.AUTHORS.value),
    (Follow.series_id.is_not(None), FollowTarget.SERIES.value),
    else_=FollowTarget.SELLERS.value,
)
_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    Follow.id,
    _TARGET.label("target"),
    func.coalesce(Follow.author_id, Follow.series_id, Follow.seller_id).label("target_id"),
    func.coalesce(Author.name, Series.name, _Seller.username).label("name"),
    Follow.created_at,
)
_LATEST_FIRST = Order.by(("-created_at",), {"created_at": Follow.created_at}, Follow.id)


class NewTitle(NamedTuple):
    """An item that is new, and who is named first on it, if anybody is."""

    item_id: int
    title: str
    author: str | None


class NewTitles(NamedTuple):
    """The first of what is new for somebody, and how many there are in all."""

    first: Sequence[NewTitle]
    total: int


def is_of(target: FollowTarget, target_id: int) -> ColumnElement[bool]:
    """Whether a follow is of this."""
    columns = {
        FollowTarget.AUTHORS: Follow.author_id,
        FollowTarget.SERIES: Follow.series_id,
        FollowTarget.SELLERS: Follow.seller_id,
    }
    return columns[target] == target_id


async def get_follow(
    connection: AsyncConnection, user_id: int, target: FollowTarget, target_id: int
) -> ReadResult:
    """What the account follows, by this id. Raises what `no_target` makes."""
    found = _named(Follow.__table__, select(*_COLUMNS, snapshot_text))
    statement = found.where(Follow.user_id == user_id, is_of(target, target_id))
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise no_target(target, target_id)
    return ReadResult(FollowOut.model_validate(row), row.snapshot)


async def list_follows(
    connection: AsyncConnection, user_id: int, query: FollowFilter, pager: Pager
) -> ReadResult:
    """One page of what the account follows, the latest first. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(Follow.id).where(Follow.user_id == user_id)
    if query.target is not None:
        matching = matching.where(_TARGET.in_([query.target.value]))

    def join(page: FromClause, ids: ColumnElement[int]) -> FromClause:
        joined = page.outerjoin(Follow, Follow.id == ids)
        for model, column in _NAMING:
            joined = joined.outerjoin(model, model.id == column)
        return joined

    found = await find_page(connection, matching, _LATEST_FIRST, window, _COLUMNS, join)
    follows = [FollowOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, follows), found.snapshot)


def followers_of(told_at: datetime) -> Subquery:
    """(account, item): who followed what is told in this run before it came, is open, and did not list it themselves."""
    fresh = (
        select(NewItem.item_id, NewItem.created_at, Item.owner_id)
        .join(Item, Item.id == NewItem.item_id)
        .where(NewItem.told_at == told_at, Item.is_active)
        .cte("fresh")
    )
    named = (
        select(Contributor.book_id.label("item_id"), Contributor.author_id)
        .join(fresh, fresh.c.item_id == Contributor.book_id)
        .cte("named", recursive=True)
    )
    # Who follows somebody that was merged into the author follows the author.
    named = named.union(
        select(named.c.item_id, Author.id).join(Author, Author.merged_into_id == named.c.author_id)
    )
    was_followed = Follow.created_at < fresh.c.created_at
    follows = union(
        select(Follow.user_id, named.c.item_id)
        .join(named, named.c.author_id == Follow.author_id)
        .join(fresh, fresh.c.item_id == named.c.item_id)
        .where(was_followed),
        select(Follow.user_id, fresh.c.item_id)
        .join(Book, Book.series_id == Follow.series_id)
        .join(fresh, fresh.c.item_id == Book.item_id)
        .where(was_followed),
        select(Follow.user_id, fresh.c.item_id)
        .join(fresh, fresh.c.owner_id == Follow.seller_id)
        .where(was_followed),
    ).subquery("following")
    return (
        select(follows.c.user_id, follows.c.item_id)
        .join(fresh, fresh.c.item_id == follows.c.item_id)
        .join(User, User.id == follows.c.user_id)
        .where(User.is_active, fresh.c.owner_id != follows.c.user_id)
        .subquery("told")
    )


async def find_new_titles(session: AsyncSession, user_id: int, told_at: datetime, most: int) -> NewTitles:
    """What the run has for the account, the first so many by title."""
    told = followers_of(told_at)
    theirs = select(told.c.item_id).where(told.c.user_id == user_id).subquery("theirs")
    author = (
        select(Author.name)
        .join(Contributor, Contributor.author_id == Author.id)
        .where(Contributor.book_id == Item.id)
        .order_by(Contributor.position)
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        select(Item.id, Item.title, author, func.count().over())
        .join(theirs, theirs.c.item_id == Item.id)
        .order_by(Item.title_folded, Item.id)
        .limit(most)
    )
    rows = (await session.execute(statement)).all()
    return NewTitles([NewTitle(*row[:3]) for row in rows], rows[0][3] if rows else 0)


_NAMING: Sequence[tuple[Any, Any]] = (
    (Author, Follow.author_id),
    (Series, Follow.series_id),
    (_Seller, Follow.seller_id),
)


def _named(follows: FromClause, statement: Select[Any]) -> Select[Any]:
    joined = follows
    for model, column in _NAMING:
        joined = joined.outerjoin(model, model.id == column)
    return statement.select_from(joined)
