"""`make openapi-diff` finds what breaks clients, and nothing else: breaches planted in the API's own document."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from devstack.contract.documents import breaches

Document = dict[str, Any]
BOOK = "/api/v1/books/{book_id}"
BOOKS = "/api/v1/books"


@pytest.fixture
async def document(app: FastAPI) -> Document:
    return app.openapi()


def _schemas(document: Document) -> Document:
    return document["components"]["schemas"]  # type: ignore[no-any-return]  # a document may be anything


def _sent(document: Document) -> Document:
    content = document["paths"][BOOKS]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return _schemas(document)[content["$ref"].rpartition("/")[2]]  # type: ignore[no-any-return]  # a document may be anything


def _told(document: Document) -> Document:
    content = document["paths"][BOOKS]["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    return _schemas(document)[content["$ref"].rpartition("/")[2]]  # type: ignore[no-any-return]  # a document may be anything


def _remove_path(document: Document) -> None:
    del document["paths"][BOOK]


def _remove_operation(document: Document) -> None:
    del document["paths"][BOOK]["delete"]


def _rename_operation(document: Document) -> None:
    document["paths"][BOOK]["get"]["operationId"] = "fetch_book"


def _remove_answered_field(document: Document) -> None:
    del _told(document)["properties"]["title"]


def _let_a_field_be_absent(document: Document) -> None:
    _told(document)["required"].remove("title")


def _answer_another_type(document: Document) -> None:
    _told(document)["properties"]["id"] = {"type": "string"}


def _answer_null(document: Document) -> None:
    _told(document)["properties"]["title"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def _require_a_new_field(document: Document) -> None:
    _sent(document)["properties"]["colour"] = {"type": "string"}
    _sent(document)["required"].append("colour")


def _remove_a_taken_field(document: Document) -> None:
    del _sent(document)["properties"]["title"]
    _sent(document)["required"].remove("title")


def _shorten_a_field(document: Document) -> None:
    _sent(document)["properties"]["title"]["maxLength"] = 3


def _ask_for_more(document: Document) -> None:
    _sent(document)["properties"]["title"]["minLength"] = 30


def _narrow_to_an_enum(document: Document) -> None:
    _sent(document)["properties"]["title"]["enum"] = ["The Hobbit"]


def _remove_a_parameter(document: Document) -> None:
    operation = document["paths"][BOOKS]["get"]
    operation["parameters"] = [each for each in operation["parameters"] if each["name"] != "search"]


def _require_a_parameter(document: Document) -> None:
    document["paths"][BOOKS]["get"]["parameters"].append(
        {"in": "query", "name": "shop", "required": True, "schema": {"type": "string"}}
    )


def _drop_an_answer(document: Document) -> None:
    del document["paths"][BOOKS]["post"]["responses"]["201"]


def _need_credentials(document: Document) -> None:
    document["paths"][BOOKS]["get"]["security"] = [{"bearer": []}]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_remove_path, f"GET {BOOK}: is gone"),
        (_remove_operation, f"DELETE {BOOK}: is gone"),
        (_rename_operation, f"GET {BOOK}: was called get_book, is fetch_book"),
        (_remove_answered_field, ".title: is gone"),
        (_let_a_field_be_absent, ".title: may now be absent"),
        (_answer_another_type, ".id: was integer, is string"),
        (_answer_null, ".title: may now be null"),
        (_require_a_new_field, ".colour: is now required"),
        (_remove_a_taken_field, ".title: is no longer taken"),
        (_shorten_a_field, ".title: maxLength was 500, is 3"),
        (_ask_for_more, ".title: minLength was"),
        (_narrow_to_an_enum, ".title: takes only 'The Hobbit'"),
        (_remove_a_parameter, f"GET {BOOKS} query search: is no longer taken"),
        (_require_a_parameter, f"GET {BOOKS} query shop: is now required"),
        (_drop_an_answer, f"POST {BOOKS} 201: is no longer answered"),
        (_need_credentials, f"GET {BOOKS}: now needs credentials"),
    ],
)
async def test_a_breaking_change_is_told_with_its_place(
    document: Document, change: Callable[[Document], None], told: str
) -> None:
    changed = copy.deepcopy(document)
    change(changed)
    found = breaches(document, changed)
    assert any(told in breach for breach in found), found
    assert len(found) < 60


def _add_a_path(document: Document) -> None:
    document["paths"]["/api/v1/colours"] = document["paths"][BOOKS]


def _add_a_field(document: Document) -> None:
    _told(document)["properties"]["colour"] = {"type": "string"}
    _sent(document)["properties"]["colour"] = {"type": "string"}


def _allow_more(document: Document) -> None:
    _sent(document)["properties"]["title"]["maxLength"] = 5000
    _sent(document)["required"].remove("title")


def _rename_a_path_parameter(document: Document) -> None:
    document["paths"]["/api/v1/books/{id}"] = document["paths"].pop(BOOK)


@pytest.mark.parametrize(
    "change", [lambda _: None, _add_a_path, _add_a_field, _allow_more, _rename_a_path_parameter]
)
async def test_what_breaks_nobody_is_not_told(
    document: Document, change: Callable[[Document], object]
) -> None:
    changed = copy.deepcopy(document)
    change(changed)
    assert breaches(document, changed) == []
