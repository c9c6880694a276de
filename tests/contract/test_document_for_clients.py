"""The document is one from which generators make good clients: names, types, texts, headers, examples."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

import app as package
from app.api import ROUTERS, TAGS
from app.core.errors import AppError
from app.core.http.openapi_schemas import name_components
from app.identity.permissions import Role
from tests.conftest import PASSWORD, Caller, SignUp
from tests.factories import a_book

API = "/api/v1"
METHODS = {"get", "put", "post", "patch", "delete"}


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            yield f"{method.upper()} {path}", operation


def parts(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in the document; examples are data."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            if key not in {"example", "examples", "default"}:
                yield from parts(value, f"{path}/{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from parts(value, f"{path}/{number}")


def reached(document: dict[str, Any], node: Any) -> set[str]:
    """Names of the schemas that are referred to from there, and from those."""
    names: set[str] = set()
    found = [part for _, part in parts(node)]
    while found:
        name = found.pop().get("$ref", "").rpartition("/")[2]
        if name in document["components"]["schemas"] and name not in names:
            names.add(name)
            found += [part for _, part in parts(document["components"]["schemas"][name])]
    return names


def bodies_sent(document: dict[str, Any]) -> set[str]:
    """Names of the schemas that requests send."""
    return reached(document, [operation.get("requestBody") for _, operation in operations(document)])


async def test_schemas_are_named_as_types_are(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert [name for name in schemas if not (name.isalnum() and name[0].isupper())] == []
    assert {
        "BookPage",
        "ExpandedBookPage",
        "PartialBookPage",
        "TokenForm",
        "BookIn",
        "LinkedBook",
    } <= schemas.keys()


def test_models_of_one_name_do_not_take_each_others_place() -> None:
    spec = {
        "components": {"schemas": {f"{folder}__Twin": {"title": "Twin"} for folder in ("orders", "stats")}}
    }
    name_components(spec)
    assert spec["components"]["schemas"].keys() == {"orders__Twin", "stats__Twin"}


async def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for where, part in parts(document):
        if "$ref" in part:
            target: Any = document
            for step in part["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            assert target, where


async def test_bounds_are_told_in_the_words_of_json_schema(document: dict[str, Any]) -> None:
    """Pydantic writes its own where a bound comes behind a validator of ours."""
    own = {"ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "decimal_places", "max_digits"}
    told = [
        where for where, part in parts(document) if own & part.keys() and not where.endswith("/properties")
    ]
    assert told == []


async def test_the_document_is_valid_and_its_examples_are_what_it_says(document: dict[str, Any]) -> None:
    resources = [("urn:document", {"components": document["components"]})]
    registry = jsonschema_rs.Registry(resources, draft=jsonschema_rs.Draft202012)
    for name, schema in document["components"]["schemas"].items():
        reference = {"$ref": f"urn:document#/components/schemas/{name}"}
        validator = jsonschema_rs.Draft202012Validator(reference, registry=registry, validate_formats=True)
        for example in schema.get("examples", ()):
            problems = [error.message for error in validator.iter_errors(example)]
            assert problems == [], (name, example)


async def test_numbers_are_exact_and_ids_have_64_bits(document: dict[str, Any]) -> None:
    for where, part in parts(document):
        if part.get("type") == "integer":
            bounds = [part[key] for key in ("minimum", "maximum", "multipleOf") if key in part]
            assert all(isinstance(bound, int) for bound in bounds), where
        for name, field in part.get("properties", {}).items():
            if name == "id" or name.endswith("_id"):
                kinds = [field, *field.get("anyOf", ())]
                assert all(kind.get("format") for kind in kinds if kind.get("type") == "integer"), (
                    where,
                    name,
                )
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            if parameter["name"].endswith("_id") and parameter["schema"].get("type") == "integer":
                assert parameter["schema"]["format"] == "int64", name


async def test_nobody_must_send_what_has_a_default(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in bodies_sent(document):
        for field, schema in schemas[name].get("properties", {}).items():
            # Generators make a field with a default a required one.
            assert "default" not in schema, (name, field)
    assert set(schemas["BookIn"]["required"]) == {"title", "price"}
    assert set(schemas["TokenForm"]["required"]) == {"username", "password"}


async def test_what_is_always_sent_is_required(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    bare = {
        route.name
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and route.response_model_exclude_none
    }
    sparse = {"PartialItem", "PartialBook", "ExpandedBook", "OwnExpandedBook", "ExpandedContributor"}
    for _, operation in operations(document):
        if operation["operationId"] in bare:
            sparse |= reached(document, operation["responses"])
    for name in schemas.keys() - bodies_sent(document) - sparse:
        optional = schemas[name].get("properties", {}).keys() - schemas[name].get("required", [])
        if name.endswith("Problem"):
            optional -= {"errors", "errors_omitted"}
        assert optional == set(), name
    assert schemas["PartialBook"]["required"] == ["id"]
    for name, field in (("ExpandedBook", "work"), ("ExpandedContributor", "author")):
        assert schemas[name]["properties"].keys() - schemas[name]["required"] == {field}
    assert "errors" in schemas["ValidationProblem"]["required"]


async def test_queries_and_headers_are_never_null(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert "'null'" not in str(parameter["schema"]), (name, parameter["name"])


async def test_every_parameter_is_described_and_paths_can_be_tried_at_once(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (name, parameter["name"])
            if parameter["in"] == "path":
                assert parameter["example"], (name, parameter["name"])
            else:
                # Pages would send it unasked: an `If-Match` that nobody read is refused.
                assert "example" not in parameter, (name, parameter["name"])


async def test_every_success_is_told_in_words(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            assert response["description"].strip(" ."), (name, status)
            assert response["description"] != "Successful Response", (name, status)
    assert (
        document["paths"][f"{API}/books"]["post"]["responses"]["201"]["description"]
        == "The book as its owner sees it."
    )


async def test_every_tag_is_described_in_the_readers_order(document: dict[str, Any]) -> None:
    used = {tag for router in ROUTERS for route in router.routes for tag in getattr(route, "tags", ())}
    assert used == TAGS.keys()
    assert [tag["name"] for tag in document["tags"]] == [*TAGS]
    assert all(tag["description"] for tag in document["tags"])
    names = [*TAGS]
    assert names.index("books") < names.index("search") < names.index("accounts") < names.index("sessions")


async def test_the_document_says_where_and_whose_it_is(document: dict[str, Any]) -> None:
    assert document["servers"][0]["url"] == "/"
    assert document["info"]["contact"]["url"]
    assert document["externalDocs"]["url"].endswith("/problems")
    assert next(iter(document["components"]["securitySchemes"])) == "OAuth2PasswordBearer"


async def test_every_operation_says_who_may(document: dict[str, Any]) -> None:
    """Those too that others implement: webhooks and callbacks."""
    described = [(where, part) for where, part in parts(document) if "operationId" in part]
    assert [where for where, part in described if "security" not in part] == []


async def test_unions_of_answers_and_problems_say_what_tells_them_apart(document: dict[str, Any]) -> None:
    for where, part in parts(document):
        if "oneOf" in part:
            assert part["discriminator"]["mapping"].keys(), where
    refresh = document["paths"][f"{API}/auth/refresh"]["post"]["responses"]["200"]
    told_by = refresh["content"]["application/json"]["schema"]["discriminator"]
    assert told_by["propertyName"] == "token_type"
    assert told_by["mapping"].keys() == {"bearer", "cookie"}
    taken = document["paths"][f"{API}/books"]["post"]["responses"]["409"]["content"][
        "application/problem+json"
    ]
    assert {"isbn-taken", "sku-taken"} <= taken["schema"]["discriminator"]["mapping"].keys()


async def test_other_media_types_leave_the_json_as_it_is(document: dict[str, Any]) -> None:
    book = document["paths"][f"{API}/books/{{book_id}}"]["get"]["responses"]["200"]["content"]
    assert [*book] == ["application/json", "application/ld+json"]
    assert book["application/ld+json"]["schema"] == {"$ref": "#/components/schemas/LinkedBook"}
    linked = document["components"]["schemas"]["LinkedBook"]
    assert set(linked["required"]) == {"@context", "@type"}
    books = document["paths"][f"{API}/books"]["get"]["responses"]["200"]["content"]
    assert [*books] == ["application/json", "application/x-ndjson"]
    for name, operation in operations(document):
        for response in operation["responses"].values():
            lines = response.get("content", {}).get("application/x-ndjson")
            # A schema of one line would have clients read the whole as one.
            assert lines is None or lines["schema"] == {"type": "string"}, name


def members_that_are_raised() -> Iterator[tuple[str, set[str]]]:
    """The names of error classes with the members beyond every problem's that are sent with them."""
    known = {"errors", "headers", "moved"}
    for path in Path(str(package.__file__)).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.keywords:
                yield node.func.id, {word.arg for word in node.keywords if word.arg} - known


def leaves(base: type[AppError] = AppError) -> Iterator[type[AppError]]:
    for error in base.__subclasses__():
        yield error
        yield from leaves(error)


def test_every_member_of_a_problem_is_declared() -> None:
    errors = {error.__name__: error for error in leaves() if error.__init__ is AppError.__init__}
    # Sent now and then: told to operators alone, and where the place in the file is known.
    undocumented = {"NotReady": {"checks"}, "SourceRefused": {"line", "position"}}
    for name, sent in members_that_are_raised():
        if name in errors:
            assert sent - undocumented.get(name, set()) <= {*errors[name].members}, name


async def test_answers_are_as_the_document_says(
    document: dict[str, Any], client: httpx.AsyncClient, sign_up: SignUp, seller: Caller
) -> None:
    staff = await sign_up(Role.SUPER_ADMIN)
    book = await a_book(client, seller, title="The Hobbit", isbn="978-0-261-10221-7", author="J.R.R. Tolkien")
    at = f"{API}/books/{book['id']}"
    form = {"username": seller.username, "password": PASSWORD}
    json: dict[str, Any] = {"title": "T", "price": 1}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("/books", "GET", {}),
        ("/books", "GET", {"params": {"fields": "title"}}),
        ("/books", "POST", {"json": json}),
        ("/books", "POST", {"json": {**json, "isbn": book["isbn"]}}),
        ("/books", "POST", {"json": {**json, "price": "1"}}),
        ("/books/{book_id}", "GET", {}),
        ("/books/{book_id}", "GET", {"params": {"fields": "title", "expand": "work.editions"}}),
        ("/books/{book_id}", "GET", {"params": {"expand": "work.editions,contributors.author"}}),
        ("/books/{book_id}", "PATCH", {"json": {"price": 2}, "headers": {"If-Match": '"1"'}}),
        ("/books/{book_id}", "PATCH", {"json": {"price": 3}, "headers": {"If-Match": '"1"'}}),
        ("/books/{book_id}/related", "GET", {}),
        ("/books/facets", "GET", {}),
        ("/search", "GET", {"params": {"q": "hobbit", "explain": "true"}}),
        ("/suggest", "GET", {"params": {"q": "hob"}}),
        ("/items", "GET", {}),
        ("/authors", "GET", {}),
        ("/works", "GET", {}),
        ("/series", "GET", {}),
        ("/categories", "GET", {}),
        ("/users/me", "GET", {}),
        ("/auth/token", "POST", {"data": form}),
        ("/auth/token", "POST", {"data": {**form, "password": "wrong"}}),
        ("/auth/sessions", "GET", {}),
        ("/auth/mfa", "GET", {}),
        ("/api-keys", "POST", {"json": {"name": "n", "scopes": []}}),
        ("/api-keys", "GET", {}),
        ("/admin/users", "GET", {}),
        ("/admin/audit", "GET", {}),
        ("/admin/dashboard", "GET", {}),
        ("/admin/imports", "GET", {}),
        ("/admin/merges", "GET", {}),
        ("/admin/search/synonyms", "POST", {"json": {"terms": ["sf", "science fiction"]}}),
    ]
    whole = {"$ref": "#/components/schemas/ExpandedBook", "components": document["components"]}
    for params in ({}, {"expand": "work"}, {"expand": "contributors.author"}):
        shown = (await client.get(at, params=params)).json()
        assert jsonschema_rs.Draft202012Validator(whole, validate_formats=False).is_valid(shown), params
    statuses = set()
    for path, method, what in asked:
        headers = {**staff.headers, **what.get("headers", {})}
        url = f"{API}{path}".format(book_id=at.rpartition("/")[2])
        answer = await client.request(method, url, **{**what, "headers": headers})
        statuses.add(answer.status_code)
        check(document, f"{API}{path}", answer)
    assert {200, 201, 401, 409, 412, 422} <= statuses


TOLD = ("etag", "link", "location", "retry-after", "ratelimit", "www-authenticate", "content-disposition")
"""Headers that a client acts on: what is sent of them is documented; limits not with every refusal."""


def check(document: dict[str, Any], path: str, answer: httpx.Response) -> None:
    """The answer has a documented status, media type, body and headers."""
    said = f"{answer.request.method} {answer.request.url} {answer.status_code}"
    responses = document["paths"][path][answer.request.method.lower()]["responses"]
    assert str(answer.status_code) in responses, said
    response = responses[str(answer.status_code)]
    documented = {name.lower() for name in response["headers"]}
    if answer.status_code in {401, 403, 404, 409, 412, 422}:
        documented.add("ratelimit")
    assert {name for name in TOLD if name in answer.headers} <= documented, said
    media_type = answer.headers["content-type"].partition(";")[0]
    schema = {**response["content"][media_type]["schema"], "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=False)
    assert [error.message for error in validator.iter_errors(answer.json())] == [], (said, answer.text)
