"""How an order can get to its address, as checkout asks for it."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.sales.addresses.schemas import AddressIn
from app.sales.models import ShippingBand, ShippingMethod
from app.sales.shipping.queries import list_options

HOME = {
    "full_name": "Ada Lovelace",
    "street_line_1": "1 Market Street",
    "city": "San Francisco",
    "state": "CA",
    "zip_code": "94105",
}


async def prices(
    connection: AsyncConnection, grams: int = 0, total: str = "10", where: Mapping[str, str] = HOME
) -> dict[str, str]:
    address = AddressIn.model_validate({**HOME, **where}).to_address()
    options = await list_options(connection, address, grams, Decimal(total))
    assert [option.price for option in options] == sorted(option.price for option in options)
    return {option.code: str(option.price) for option in options}


async def test_a_fresh_shop_can_ship(connection: AsyncConnection) -> None:
    assert await prices(connection) == {"pickup": "0.00", "standard": "4.90", "express": "12.90"}
    germany = {"country": "DE", "city": "Berlin", "zip_code": "10115"}
    assert (await prices(connection, where=germany))["standard"] == "4.90"


@pytest.mark.parametrize(
    ("grams", "standard", "express"),
    [(1, "5.40", "14.90"), (1000, "5.40", "14.90"), (1001, "5.90", "16.90"), (25_000, "17.40", "62.90")],
)
async def test_each_kilogram_or_part_of_one_costs(
    connection: AsyncConnection, grams: int, standard: str, express: str
) -> None:
    assert await prices(connection, grams) == {"pickup": "0.00", "standard": standard, "express": express}


async def test_from_the_threshold_on_shipping_is_free(connection: AsyncConnection) -> None:
    assert (await prices(connection, 3000, "49.99"))["standard"] == "6.40"
    free = await prices(connection, 3000, "50")
    assert (free["standard"], free["express"]) == ("0.00", "18.90")


async def test_bands_say_what_a_weight_costs_and_what_is_too_heavy(
    connection: AsyncConnection, session: AsyncSession
) -> None:
    letter = ShippingMethod(code="letter", name="Letter", price=Decimal(9), days=3, free_from=Decimal(50))
    session.add(letter)
    await session.flush()
    for grams, price in ((500, "2.50"), (100, "1.20")):
        session.add(ShippingBand(method_id=letter.id, up_to_grams=grams, price=Decimal(price)))
    await session.flush()
    assert (await prices(connection, 100))["letter"] == "1.20"
    assert (await prices(connection, 101))["letter"] == "2.50"
    assert (await prices(connection, 500, "50"))["letter"] == "0.00"
    assert "letter" not in await prices(connection, 501)
    assert "letter" not in await prices(connection, 501, "50")


async def test_a_method_goes_where_its_countries_are(
    connection: AsyncConnection, session: AsyncSession
) -> None:
    only = update(ShippingMethod).values(countries=["DE", "AT"])
    await session.execute(only)
    assert await prices(connection) == {}
    vienna = {"country": "AT", "city": "Wien", "zip_code": "1010"}
    assert len(await prices(connection, where=vienna)) == 3
    await session.execute(update(ShippingMethod).values(is_active=False))
    assert await prices(connection, where=vienna) == {}


async def test_a_carrier_that_refuses_po_boxes_is_left_out(
    connection: AsyncConnection, session: AsyncSession
) -> None:
    box = {"street_line_1": "P.O. Box 12"}
    assert list(await prices(connection, where=box)) == ["pickup"]
    await session.execute(
        update(ShippingMethod).where(ShippingMethod.code == "standard").values(refuses_po_box=False)
    )
    assert list(await prices(connection, where=box)) == ["pickup", "standard"]
