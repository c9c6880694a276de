"""Making bundles: which items may be part of one, and whose."""

from collections.abc import Sequence
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.goods.errors import NotYourItem
from app.catalog.goods.ownership import may_edit, may_see
from app.catalog.goods.schemas import GoodsIn, GoodsPatch, ItemKind
from app.catalog.goods.service import GoodsService, record_staff_edit
from app.catalog.models import Item
from app.core.http.conditional import Precondition
from app.identity.principal import Principal
from app.sales.inventory.errors import UnknownItem
from app.sales.offers.errors import UnfitPart, no_offer
from app.sales.offers.repository import BundleLevelRepository, OfferRepository
from app.sales.offers.schemas import OfferIn, OfferPartIn, OfferPatch

_SHARED = {"name": "title", "description": "description", "price": "price", "is_active": "is_active"}


class OfferService:
    """Makes, changes and takes away bundles."""

    def __init__(
        self,
        session: AsyncSession,
        goods: GoodsService,
        offers: OfferRepository,
        levels: BundleLevelRepository,
        currency: str,
    ) -> None:
        self._session = session
        self._levels = levels
        self._goods = goods
        self._offers = offers
        self._currency = currency

    @classmethod
    def build(cls, session: AsyncSession, currency: str) -> Self:
        """Compose it on one session; prices are in `currency` (ISO 4217)."""
        goods = GoodsService.build(session, currency)
        return cls(session, goods, OfferRepository(session), BundleLevelRepository(session), currency)

    async def create(self, seller: Principal, offer: OfferIn) -> int:
        """List a bundle as the seller's own; returns its id. Raises UnknownItem, UnfitPart, NotYourItem."""
        await self._check_parts(seller, offer.items, self._currency)
        goods = GoodsIn(title=offer.name, description=offer.description, price=offer.price)
        item = await self._goods.create(seller, goods, ItemKind.BUNDLE)
        await self._offers.set_parts(item.id, offer.items)
        await self._levels.add(Item.id == item.id)
        return item.id

    async def change(
        self, editor: Principal, offer_id: int, precondition: Precondition, patch: OfferPatch
    ) -> None:
        """Set what was sent. Raises OfferNotFound, NotYourItem, StaleVersion, and the errors of `create`."""
        item = await self._lock(editor, offer_id, precondition)
        if "items" in patch.model_fields_set:
            await self._replace_parts(editor, item, patch.items)
        sent = {_SHARED[name]: value for name, value in patch.sent().items() if name in _SHARED}
        if patch.model_fields_set:
            # Parts alone are an edit of the item too: it raises the version and makes what is cached stale.
            sent.setdefault("title", item.title)
        await self._goods.change(editor, item, GoodsPatch.model_validate(sent))

    async def delete(self, editor: Principal, offer_id: int, precondition: Precondition) -> None:
        """Take the bundle away; its items stay. Raises OfferNotFound, NotYourItem, StaleVersion."""
        await self._goods.delete(editor, await self._lock(editor, offer_id, precondition))

    async def _lock(self, editor: Principal, offer_id: int, precondition: Precondition) -> Item:
        item = await self._goods.lock(editor, offer_id, precondition, no_offer)
        if item.kind != ItemKind.BUNDLE:
            raise no_offer(offer_id)
        return item

    async def _replace_parts(self, editor: Principal, item: Item, parts: Sequence[OfferPartIn]) -> None:
        await self._check_parts(editor, parts, item.currency)
        before = [(part.item_id, part.quantity) for part in await self._offers.list_parts(item.id)]
        after = [(part.item_id, part.quantity) for part in parts]
        if before != after:
            await self._offers.set_parts(item.id, parts)
            record_staff_edit(self._session, editor, item, "changed", {"items": (before, after)})

    async def _check_parts(self, editor: Principal, parts: Sequence[OfferPartIn], currency: str) -> None:
        found = {item.id: item for item in await self._offers.list_items([part.item_id for part in parts])}
        for place, part in enumerate(parts):
            item = found.get(part.item_id)
            field = f"items.{place}.item_id"
            if item is None or not may_see(editor, item.owner_id, is_active=item.is_active):
                message = f"There is no item {part.item_id}."
                raise UnknownItem(message, errors=UnknownItem.about(field, message))
            reason = _unfit_because(item, currency)
            if reason is not None:
                message = f"Item {item.id} {reason}."
                raise UnfitPart(message, errors=UnfitPart.about(field, message))
            if not may_edit(editor, item.owner_id):
                raise NotYourItem(f"Item {item.id} is somebody else's; only moderators bundle those.")


def _unfit_because(item: Item, currency: str) -> str | None:
    if item.kind == ItemKind.BUNDLE:
        return "is a bundle itself"
    if not item.is_active:
        return "is off sale"
    if item.currency != currency:
        return f"is priced in {item.currency}, and the bundle in {currency}"
    return None
