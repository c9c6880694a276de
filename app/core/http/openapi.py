"""The OpenAPI document: what FastAPI knows of the operations, and what it does not know of their answers.

`openapi_schemas` brings the schemas into a form from which generators make good clients.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase

from app.core.errors import RateLimited, Use, refusals_of
from app.core.http.middleware import INTERNAL_PATHS
from app.core.http.negotiation import JSON, NDJSON
from app.core.http.openapi_schemas import (
    add_problem_schemas,
    find_component,
    leave_nulls_out,
    make_parameter_plain,
    move_bodies_to_components,
    name_components,
    problem_schema,
    tidy_components,
)
from app.core.http.openapi_webhooks import Told, add_webhooks
from app.core.http.problems import MEDIA_TYPE, generic_problems, problems
from app.core.http.responses import HotReads
from app.core.settings.settings import Settings

DESCRIPTION = """
The bookstore's API: browse books and other goods, list your own, run the catalogue.

* **Errors** are `application/problem+json` (RFC 9457) with a stable `code`, which tells the members of its schema.
* **Lists** take `skip` and `limit`, or `cursor`; `Link` and `next_cursor` lead on.
* **Writers** send `If-Match` with the `ETag` they read; a stale one answers 412.
* **Creators** send an `Idempotency-Key` of their own: sent again within a day, the same request has the first answer.
* **Every answer** has an `X-Request-ID` and, as `X-Process-Time`, the seconds until it began.
* **Moments** are RFC 3339 with a zone; a plain date is the start of that day where the shop is.
* **JSON's types** are taken at their word: `"3"` and `true` are no numbers.
* **Log in** with *Authorize* (username or e-mail, password); programs send a key as `X-API-Key`.
"""
Responses = dict[int | str, dict[str, Any]]
_Dependency = TypeVar("_Dependency", bound=Callable[..., Any])
_CREDENTIALS: dict[Callable[..., Any], Sequence[SecurityBase]] = {}
_ALWAYS = ("internal", "unavailable")
_WHERE_WRITTEN = ("write-collision",)
NOT_MODIFIED: Responses = {304: {"description": "Not modified: `If-None-Match` names the answer's ETag."}}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "examples": ['"3.1"']},
    "description": "ETags that you have; while one of them is right the answer is 304, without a body.",
}
_FILES = frozenset({"text/csv", NDJSON})
_UNDESCRIBED = "Successful Response"
_EXAMPLES_IN_PATHS = {
    "integer": 1,
    "int64": 1,
    "string": "a",
    "uuid": "019ab6c2-6a55-7d3c-9a39-0d3c1c2f4b5e",
}


def _header(description: str, example: Any, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}, "example": example}


_HEADERS: Mapping[str, dict[str, Any]] = {
    "X-Request-ID": _header(
        "Names the request in our logs; yours, if you sent a valid one.", "0b6f0ecf3d3c4e0e9a3c0d6b3f6f8f52"
    ),
    "X-Process-Time": _header(
        "Seconds from the request's arrival to the beginning of the answer.", "0.002113"
    ),
    "ETag": _header("The version of what was answered, for `If-None-Match` and `If-Match`.", '"3.1"'),
    "Link": _header(
        "Where `first`, `prev`, `next` and `last` are (RFC 8288).",
        '<https://shop.example.com/api/v1/books?skip=0&limit=20>; rel="first"',
    ),
    "Location": _header("Where it stands.", "/api/v1/books/42"),
    "Retry-After": _header("Seconds after which to try again.", 30, "integer"),
    "RateLimit-Policy": _header("The quota and its window in seconds, by zone.", '"search";q=30;w=60'),
    "RateLimit": _header(
        "What is left of it, and the seconds until it is whole again.", '"search";r=29;t=60'
    ),
    "X-RateLimit-Limit": _header("As `q` of `RateLimit-Policy`.", 30, "integer"),
    "X-RateLimit-Remaining": _header("As `r` of `RateLimit`.", 29, "integer"),
    "X-RateLimit-Reset": _header("As `t` of `RateLimit`.", 60, "integer"),
    "WWW-Authenticate": _header("How to authenticate (RFC 6750, RFC 9470).", 'Bearer error="invalid_token"'),
    "Content-Disposition": _header("The name of the file.", 'attachment; filename="books.csv"'),
}
_LIMITS = (
    "RateLimit-Policy",
    "RateLimit",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
)
_HEADERS_OF_STATUS: Mapping[str, Sequence[str]] = {
    "201": ("Location",),
    "202": ("Location",),
    "304": ("ETag",),
    "308": ("Location",),
    "401": ("WWW-Authenticate",),
    "429": ("Retry-After", *_LIMITS),
    "503": ("Retry-After",),
}


def takes(*schemes: SecurityBase) -> Callable[[_Dependency], _Dependency]:
    """Note that a FastAPI dependency reads such credentials, any one of them, from the request by itself.

    Every operation that uses it documents them. As its parameters each would be solved for each request, which
    costs more than reading it.
    """

    def note(dependency: _Dependency) -> _Dependency:
        _CREDENTIALS[dependency] = schemes
        return dependency

    return note


def install_openapi(app: FastAPI, told: Callable[[], Mapping[str, Told]]) -> None:
    """Serve a document in which errors look as they do on the wire, and dependencies bring theirs along.

    `told` is what the shop sends by itself.
    """
    # Whoever asks while it is made beforehand waits for that one.
    making = Lock()

    def document() -> dict[str, Any]:
        with making:
            if app.openapi_schema is None:
                app.openapi_schema = _build(app, told())
            return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _build(app: FastAPI, told: Mapping[str, Told]) -> dict[str, Any]:
    settings: Settings = app.state.settings
    shop = settings.public_url.rstrip("/")
    spec = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        servers=[{"url": "/", "description": "Where this document comes from."}],
        contact={"name": app.title, "url": shop},
        license_info=app.license_info,
        external_docs={
            "description": "Every error code, and what to do about it.",
            "url": f"{shop}/problems",
        },
    )
    name_components(spec)
    components = spec["components"]
    schemas = components["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    routes = {route.name: route for route in app.routes if isinstance(route, APIRoute)}
    examples: dict[str, Any] = {}
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            route = routes[operation["operationId"]]
            _add_refusals(operation, method, route.dependant)
            if path not in INTERNAL_PATHS:
                _add(operation["responses"], problems(RateLimited))
            if route.response_model_exclude_none:
                leave_nulls_out(operation["responses"], schemas)
            move_bodies_to_components(operation, schemas)
            _describe_parameters(operation, schemas)
            _describe_callbacks(operation, schemas)
            _state_security(operation, route.dependant)
            for status, response in operation["responses"].items():
                if status.startswith("2"):
                    _describe_success(response, schemas)
                _share_problems(response, examples)
                _add_headers(operation, status, response, schemas)
    add_problem_schemas(schemas, examples)
    add_webhooks(spec, told)
    tidy_components(spec)
    components |= {"examples": examples, "headers": dict(_HEADERS)}
    # Documentation pages show the ways to log in in this order: the password before keys and cookies.
    ways = {scheme.scheme_name: scheme for schemes in _CREDENTIALS.values() for scheme in schemes}
    described = {
        name: scheme.model.model_dump(mode="json", by_alias=True, exclude_none=True)
        for name, scheme in ways.items()
    }
    components["securitySchemes"] = dict(
        sorted(described.items(), key=lambda way: way[1]["type"] != "oauth2")
    )
    return spec


def _state_security(operation: dict[str, Any], dependant: Dependant) -> None:
    """Say that anybody may where nobody must, and scopes where OAuth alone knows them."""
    ways: list[dict[str, list[str]]] = operation.get("security", [])
    needed: dict[str, dict[str, None]] = {}
    for used in _with_all_needed(dependant):
        for scheme in _CREDENTIALS.get(used.call, ()) if used.call else ():
            needed.setdefault(scheme.scheme_name, {}).update(dict.fromkeys(_scopes(used)))
    ways += [{name: [*scopes]} for name, scopes in needed.items()]
    operation["security"] = [
        {scheme: scopes if scheme.startswith("OAuth2") else [] for scheme, scopes in way.items()}
        for way in ways
    ]


def _add_refusals(operation: dict[str, Any], method: str, dependant: Dependant) -> None:
    responses = operation["responses"]
    if "application/json" in responses.get("422", {}).get("content", {}):
        del responses["422"]
    codes = [*_ALWAYS]
    if operation.get("parameters") or "requestBody" in operation:
        codes.append("validation")
    if "requestBody" in operation:
        codes += ["bad-request", "body-too-large", "unsupported-media-type"]
    if method != "get":
        codes += _WHERE_WRITTEN
    _add(responses, generic_problems(codes))
    given = (inspect.signature(one.call).return_annotation for one in dependant.dependencies if one.call)
    if any(isinstance(kind, type) and issubclass(kind, HotReads) for kind in given):
        operation.setdefault("parameters", []).append(dict(_IF_NONE_MATCH))
        responses.setdefault("304", dict(NOT_MODIFIED[304]))
    refused = [
        error
        for used in _with_all_needed(dependant)
        for error in refusals_of(used.call, Use(method.upper(), _scopes(used)))
    ]
    _add(responses, problems(*refused))


def _with_all_needed(dependant: Dependant) -> Iterator[Dependant]:
    """The operation, its dependencies, and theirs in turn."""
    yield dependant
    for needed in dependant.dependencies:
        yield from _with_all_needed(needed)


def _scopes(dependant: Dependant) -> list[str]:
    return [*(dependant.parent_oauth_scopes or ()), *(dependant.own_oauth_scopes or ())]


def _add(responses: dict[str, Any], problems: Responses) -> None:
    for status, response in problems.items():
        present = responses.setdefault(str(status), response)
        for media_type, content in response["content"].items():
            examples = (
                present.setdefault("content", {}).setdefault(media_type, content).setdefault("examples", {})
            )
            examples.update(content["examples"])


def _describe_parameters(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        make_parameter_plain(parameter)
        if parameter["in"] == "path":
            thing = parameter["name"].removesuffix("_id").replace("_", " ")
            parameter.setdefault("description", f"Id of the {thing}.")
            # A named enum is a component.
            schema = find_component(parameter["schema"], schemas)
            like = _EXAMPLES_IN_PATHS[schema.get("format") or schema["type"]]
            # On the parameter itself: pages that try operations out fill it in from there alone.
            parameter.setdefault("example", (schema.get("examples") or schema.get("enum") or [like])[0])


def _describe_callbacks(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """What others implement refuses in their way, not in ours, and asks the shop for no credentials."""
    for paths in operation.get("callbacks", {}).values():
        for called in (each for methods in paths.values() for each in methods.values()):
            called["security"] = []
            called["responses"].pop("422", None)
            for response in called["responses"].values():
                _describe_success(response, schemas)


def _describe_success(response: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """Say what is answered: the first sentence of the answer's model, about the one that was asked for."""
    if response["description"] != _UNDESCRIBED:
        return
    schema = _schema_of(response)
    if not schema:
        response["description"] = "Done; the answer is empty."
        return
    model = find_component(schema, schemas)
    is_page = "next_cursor" in model.get("properties", {})
    text = str(model.get("description", "A page of the list." if is_page else "")).splitlines()[0]
    for article in ("A ", "An "):
        if text.startswith(article):
            text = f"The {text.removeprefix(article)}"
    response["description"] = f"All of them, each: {text}" if schema.get("type") == "array" else text


def _schema_of(response: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of the response's first media type, which is JSON where there is JSON."""
    for content in response.get("content", {}).values():
        schema: dict[str, Any] = content.get("schema", {})
        return schema
    return {}


def _share_problems(response: dict[str, Any], examples: dict[str, Any]) -> None:
    """Give a problem answer the schemas of its codes, and move the examples, which recur, to one place."""
    content = response.get("content", {}).get(MEDIA_TYPE)
    if content is None:
        return
    codes = content["examples"]
    examples |= codes
    response["description"] = "; ".join(dict.fromkeys(example["summary"] for example in codes.values())) + "."
    response["content"] = {
        MEDIA_TYPE: {
            "schema": problem_schema(codes),
            "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
        }
    }


def _add_headers(
    operation: Mapping[str, Any], status: str, response: dict[str, Any], schemas: Mapping[str, Any]
) -> None:
    names = ["X-Request-ID", "X-Process-Time", *_HEADERS_OF_STATUS.get(status, ())]
    if status.startswith("2"):
        names += _headers_of_success(operation, response, schemas)
    described = response.get("headers", {})
    shared = {name: {"$ref": f"#/components/headers/{name}"} for name in dict.fromkeys(names)}
    response["headers"] = {**shared, **described}


def _headers_of_success(
    operation: Mapping[str, Any], response: Mapping[str, Any], schemas: Mapping[str, Any]
) -> Iterator[str]:
    content = response.get("content", {})
    properties = find_component(_schema_of(response), schemas).get("properties", {})
    if "304" in operation["responses"] or properties.get("version", {}).get("type") == "integer":
        yield "ETag"
    if "next_cursor" in properties:
        yield "Link"
    if content.keys() & _FILES and JSON not in content:
        yield "Content-Disposition"
    if "429" in operation["responses"]:
        yield from _LIMITS
