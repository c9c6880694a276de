"""Putting what an order had into its buyer's cart again."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.principal import Principal
from app.sales.cart.queries import find_goods
from app.sales.cart.repository import KeptLine
from app.sales.cart.schemas import CartWarning
from app.sales.cart.service import CartMerger
from app.sales.orders.queries import list_bought


class ReorderService:
    """Fills carts from orders."""

    def __init__(self, session: AsyncSession, carts: CartMerger) -> None:
        self._session = session
        self._carts = carts

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, CartMerger.build(session))

    async def fill_cart(self, buyer: Principal, number: str) -> None:
        """Put what is still in the catalogue into the buyer's cart; warn of the rest. Raises OrderNotFound."""
        connection = await self._session.connection()
        bought = await list_bought(connection, number, buyer.user_id)
        found = await find_goods(connection, [line.item_id for line in bought])
        goods = {item.item_id: item for item in found}
        lines: list[KeptLine] = []
        warnings: list[CartWarning] = []
        for line in bought:
            item = goods.get(line.item_id)
            if item is None or not item.is_active or item.price is None:
                message = f"“{line.title}” is not for sale any more."
                warnings.append(CartWarning(code="not-for-sale", item_id=line.item_id, message=message))
            else:
                lines.append(KeptLine(line.item_id, line.quantity, item.price))
        await self._carts.add_all(buyer.user_id, lines, warnings)
