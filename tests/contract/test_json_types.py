"""JSON's types are taken at their word, in every field of every request body."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.api import ROUTERS
from app.core.clock import set_shop_zone, start_of_day
from app.core.http.schemas import Moment, RequestModel
from tests.conftest import Caller, settings_for
from tests.factories import a_book

BOOKS = "/api/v1/books"
WRONG: dict[str, list[object]] = {
    "int": ["3", True, "true", "", [3]],
    "float": ["3", True, "1.5"],
    "decimal": ["9.99", True, ""],
    "bool": ["true", 1, 0, "yes", 1.0],
    "date": [19900101, 0, "1990", "631152000", True],
    "datetime": [1767225600, 0, "1767225600", "now", True],
}
"""What pydantic's own lenient mode would take, for the most part."""


def request_models(base: type[BaseModel] = RequestModel) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        yield model
        yield from request_models(model)


def kinds_in(schema: Any) -> set[str]:
    """The kinds of `WRONG` of which a value may be, whatever it is wrapped into; not those of its parts."""
    if schema.get("type") in WRONG:
        return {schema["type"]}
    if schema.get("type") == "union":
        parts = [choice[0] if isinstance(choice, tuple) else choice for choice in schema["choices"]]
        return set().union(*(kinds_in(part) for part in parts))
    return kinds_in(schema["schema"]) if "schema" in schema and schema.get("type") != "model" else set()


def fields_of(model: type[BaseModel]) -> dict[str, Any]:
    schema: Any = model.__pydantic_core_schema__
    while schema.get("type") != "model-fields":
        schema = schema["schema"]
    return dict(schema["fields"])


CASES = [
    pytest.param(model, field.get("validation_alias", name), kind, id=f"{model.__name__}.{name}")
    for model in dict.fromkeys(request_models())
    if model.__module__.startswith("app.")
    for name, field in fields_of(model).items()
    for kind in kinds_in(field["schema"])
]


def test_the_walk_finds_the_fields_it_is_about() -> None:
    found = {case.id for case in CASES}
    assert {
        "BookIn.quantity",
        "BookPatch.price",
        "ProfileIn.newsletter",
        "PriceScheduleIn.starts_at",
    } <= found
    assert {"UserRegister.date_of_birth", "ContributorIn.position", "CategoryPatch.parent_id"} <= found


@pytest.mark.parametrize(("model", "field", "kind"), CASES)
def test_another_json_type_is_refused_for_what_it_is(model: type[BaseModel], field: str, kind: str) -> None:
    for wrong in WRONG[kind]:
        with pytest.raises(ValidationError) as refusal:
            model.model_validate({field: wrong})
        about = [error["type"] for error in refusal.value.errors() if error["loc"][0] == field]
        assert about == [f"{kind}_type"], (wrong, refusal.value)


def test_every_json_body_of_a_route_is_such_a_model() -> None:
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.body_field is not None:
                annotation = str(route.body_field.field_info.annotation)
                model = route.body_field.field_info.annotation
                is_form = type(route.body_field.field_info).__name__ in {"Form", "File"}
                is_request = isinstance(model, type) and issubclass(model, RequestModel)
                assert is_form or is_request or "| None" in annotation, (route.name, annotation)


def patterns_in(schema: Any) -> set[str]:
    """The patterns of which pydantic's own error would show the expression, in whatever the schema holds."""
    if isinstance(schema, list | tuple):
        return set().union(*map(patterns_in, schema))
    if not isinstance(schema, dict):
        return set()
    own = {str(schema["pattern"])} if schema.get("type") == "str" and "pattern" in schema else set()
    return own.union(*(patterns_in(part) for name, part in schema.items() if name != "metadata"))


def parameters_of(dependant: Dependant) -> Iterator[ModelField]:
    yield from (*dependant.path_params, *dependant.query_params, *dependant.header_params)
    for needed in dependant.dependencies:
        yield from parameters_of(needed)


def test_no_error_shows_a_regular_expression() -> None:
    for model in dict.fromkeys(request_models()):
        if model.__module__.startswith("app."):
            assert patterns_in(model.__pydantic_core_schema__) == set(), model
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute):
                for parameter in parameters_of(route.dependant):
                    kind: Any = Annotated[parameter.field_info.annotation, parameter.field_info]
                    assert patterns_in(TypeAdapter[Any](kind).core_schema) == set(), (route.name, parameter)


async def test_a_book_is_refused_by_field(client: httpx.AsyncClient, seller: Caller) -> None:
    body = {"title": "T", "price": "9.99", "quantity": True, "pages": "310", "category_ids": ["3"]}
    refused = await client.post(BOOKS, json=body, headers=seller.headers)
    assert refused.status_code == 422
    assert {error["field"]: error["type"] for error in refused.json()["errors"]} == {
        "price": "decimal_type",
        "quantity": "int_type",
        "pages": "int_type",
        "category_ids.0": "int_type",
    }


async def test_whole_numbers_may_be_written_as_json_writes_them(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    body = b'{"title": "T", "price": 10, "quantity": 3.0, "pages": 1e2}'
    headers = {**seller.headers, "Content-Type": "application/json"}
    made = await client.post(BOOKS, content=body, headers=headers)
    assert made.status_code == 201, made.text
    assert (made.json()["price"], made.json()["quantity"], made.json()["pages"]) == (10, 3, 100)
    halved = await client.patch(
        f"{BOOKS}/{made.json()['id']}", json={"quantity": 1.5}, headers=seller.headers
    )
    assert halved.json()["errors"][0]["type"] == "int_from_float"


async def test_queries_stay_texts(client: httpx.AsyncClient) -> None:
    listed = await client.get(BOOKS, params={"limit": "3", "min_price": "1.5", "in_stock": "true"})
    assert listed.status_code == 200, listed.text


@pytest.fixture
async def zone() -> AsyncIterator[ZoneInfo]:
    berlin = ZoneInfo("Europe/Berlin")
    set_shop_zone(berlin)
    yield berlin
    set_shop_zone(None)


async def test_a_day_is_its_first_moment_where_the_shop_is(
    client: httpx.AsyncClient, seller: Caller, zone: ZoneInfo
) -> None:
    del zone
    book = await a_book(client, seller)
    plan = {"price": 5, "starts_at": "2030-07-01", "ends_at": "2030-12-01"}
    path = f"/api/v1/items/{book['id']}/price-schedules"
    made = await client.post(path, json=plan, headers=seller.headers)
    assert made.status_code == 201, made.text
    assert made.json()["starts_at"] == "2030-06-30T22:00:00Z"
    assert made.json()["ends_at"] == "2030-11-30T23:00:00Z"
    prices = await client.get(f"/api/v1/items/{book['id']}/prices", params={"price_as_of": "2030-07-01"})
    assert prices.json()["price_as_of"] == 5


@pytest.mark.parametrize(
    "wrong", ["2030-07-01T12:00:00", "2030-02-30", "2030-13-01", "01.07.2030", "2030-7-1"]
)
async def test_a_moment_without_zone_and_a_day_that_never_was_are_refused(
    client: httpx.AsyncClient, seller: Caller, wrong: str
) -> None:
    book = await a_book(client, seller)
    plan = {"price": 5, "starts_at": wrong}
    made = await client.post(f"/api/v1/items/{book['id']}/price-schedules", json=plan, headers=seller.headers)
    assert made.status_code == 422, made.text
    assert made.json()["errors"][0]["field"] == "starts_at"


def test_without_a_zone_days_begin_by_utc() -> None:
    assert TypeAdapter(Moment).validate_python("2030-07-01") == datetime(2030, 7, 1, tzinfo=UTC)


def test_where_clocks_skip_midnight_the_day_begins_when_they_do() -> None:
    set_shop_zone(ZoneInfo("America/Sao_Paulo"))
    try:
        # 2018-11-03 ended at 23:59:59-03:00; the next second was 01:00:00-02:00.
        assert start_of_day(date(2018, 11, 4)) == datetime(2018, 11, 4, 3, tzinfo=UTC)
    finally:
        set_shop_zone(None)


async def test_the_setting_reaches_the_clock(app: FastAPI, servers: Any) -> None:
    del app
    settings = settings_for(servers, "postgresql://localhost/x", shop_time_zone="Asia/Tokyo")
    assert settings.shop_time_zone == ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize("field", ["type", "metadata", "serialization"])
def test_fields_may_be_called_as_parts_of_a_schema_are(field: str) -> None:
    class Named(RequestModel):
        type: int = 1
        metadata: int = 1
        serialization: int = 1

    assert getattr(Named.model_validate({field: 3}), field) == 3
    for wrong in ("3", True):
        with pytest.raises(ValidationError):
            Named.model_validate({field: wrong})
