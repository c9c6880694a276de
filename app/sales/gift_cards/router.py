"""`/api/v1/gift-cards`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.core.db.paging import ListQuery, Page, PagerDep
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENCY_KEY_REQUIRED, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import BUYER, DISCOUNT_MANAGER, DiscountManager
from app.sales.gift_cards import queries
from app.sales.gift_cards.deps import LIMITED, GiftCardServiceDep
from app.sales.gift_cards.errors import GiftCardNotFound, UnknownGiftCard
from app.sales.gift_cards.schemas import (
    BalanceOut,
    BalanceQuestion,
    EntryOut,
    GiftCardFilter,
    GiftCardIn,
    GiftCardIssued,
    GiftCardOut,
    GiftCardPatch,
)

router = APIRouter(prefix="/api/v1/gift-cards", tags=["gift-cards"], route_class=IdempotentRoute)


@router.post(
    "/balance",
    summary="Ask what is on a gift card",
    response_model=BalanceOut,
    responses=problems(UnknownGiftCard),
    dependencies=[BUYER, LIMITED],
)
async def get_gift_card_balance(question: BalanceQuestion, hot: HotDep) -> Response:
    """What is on the card with this code, and until when it is good. Nothing is spent by asking."""
    return await hot.answer_private(partial(queries.get_balance, code=question.code))


@router.get("", summary="List gift cards", response_model=Page[GiftCardOut], dependencies=[DISCOUNT_MANAGER])
async def list_gift_cards(
    query: Annotated[GiftCardFilter, Query()], pager: PagerDep, hot: HotDep
) -> Response:
    """A page of gift cards, the newest first unless `sort` says otherwise, with what is on them."""
    return await hot.answer_private(partial(queries.list_gift_cards, query=query, pager=pager))


@router.post(
    "",
    status_code=201,
    summary="Issue a gift card",
    dependencies=[IDEMPOTENCY_KEY_REQUIRED],
)
async def issue_gift_card(
    card: GiftCardIn, actor: DiscountManager, cards: GiftCardServiceDep, response: Response
) -> GiftCardIssued:
    """Issue a card worth `amount`. Only this answer shows `code`: the shop keeps a hash of it and its last four letters."""
    issued = await cards.issue(actor, card)
    response.headers["Location"] = f"/api/v1/gift-cards/{issued.id}"
    response.headers["Cache-Control"] = "no-store"
    return issued


@router.get(
    "/{card_id}",
    summary="Read a gift card",
    response_model=GiftCardOut,
    dependencies=[DISCOUNT_MANAGER],
    responses=problems(GiftCardNotFound),
)
async def get_gift_card(card_id: RowId, hot: HotDep) -> Response:
    """A gift card and what is on it, without its code. Sends an ETag for `If-Match`."""
    return await hot.answer_private(partial(queries.get_gift_card, card_id=card_id))


@router.patch(
    "/{card_id}",
    summary="Stop or prolong a gift card",
    response_model=GiftCardOut,
    dependencies=[DISCOUNT_MANAGER],
)
async def change_gift_card(
    card_id: RowId,
    patch: GiftCardPatch,
    precondition: PreconditionDep,
    cards: GiftCardServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent. What is on a card that was stopped or is over stays on it."""
    await cards.change(card_id, precondition, patch)
    return await read_back(partial(queries.get_gift_card, card_id=card_id))


@router.get(
    "/{card_id}/entries",
    summary="List a gift card's entries",
    response_model=Page[EntryOut],
    dependencies=[DISCOUNT_MANAGER],
    responses=problems(GiftCardNotFound),
)
async def list_gift_card_entries(
    card_id: RowId, query: Annotated[ListQuery, Query()], pager: PagerDep, hot: HotDep
) -> Response:
    """A page of the card's ledger, the newest first: issued, redeemed by an order, returned by one."""
    return await hot.answer_private(partial(queries.list_entries, card_id=card_id, query=query, pager=pager))
