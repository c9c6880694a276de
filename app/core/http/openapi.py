"""The OpenAPI document: one problem schema, and the problems that every operation may answer."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from app.core.errors import AppError, Use, refusals_of
from app.core.http.problems import Problem, generic_problems, problems
from app.core.http.responses import get_hot_reads

DESCRIPTION = """
The bookstore's API: browse books and other goods, list your own, run the catalogue.

* **Errors** are `application/problem+json` (RFC 9457) with a stable `code`.
* **Lists** take `skip` and `limit`, or `cursor`; `Link` and `next_cursor` lead on.
* **Writers** send `If-Match` with the `ETag` they read; a stale one answers 412.
* **Log in** with *Authorize* (username or e-mail, password); programs send a key as `X-API-Key`.
"""
_REF = "#/components/schemas/{model}"
Responses = dict[int | str, dict[str, Any]]
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


def install_openapi(app: FastAPI) -> None:
    """Serve a document in which errors look as they do on the wire, and dependencies bring theirs along."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _build(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _build(app: FastAPI) -> dict[str, Any]:
    spec = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        license_info=app.license_info,
    )
    schemas = spec.setdefault("components", {}).setdefault("schemas", {})
    _, definitions = models_json_schema([(Problem, "serialization")], ref_template=_REF)
    schemas.update(definitions["$defs"])
    routes = {route.name: route for route in app.routes if isinstance(route, APIRoute)}
    for path in spec["paths"].values():
        for method, operation in path.items():
            dependant = routes[operation["operationId"]].dependant
            _complete(operation)
            if any(needed.call is get_hot_reads for needed in dependant.dependencies):
                operation.setdefault("parameters", []).append(_IF_NONE_MATCH)
                for status, response in NOT_MODIFIED.items():
                    operation["responses"].setdefault(str(status), response)
            if method != "get":
                _add(operation["responses"], generic_problems(_WHERE_WRITTEN))
            _add(operation["responses"], problems(*_refusals(dependant, method.upper())))
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    return spec


def _refusals(dependant: Dependant, method: str) -> Iterator[type[AppError]]:
    """What the dependencies refuse, and theirs in turn."""
    scopes = [*(dependant.parent_oauth_scopes or ()), *(dependant.own_oauth_scopes or ())]
    yield from refusals_of(dependant.call, Use(method, scopes))
    for needed in dependant.dependencies:
        yield from _refusals(needed, method)


def _complete(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    described = responses.get("422", {})
    if "application/json" in described.get("content", {}):
        del responses["422"]
    codes = [*_ALWAYS]
    if operation.get("parameters") or "requestBody" in operation:
        codes.append("validation")
    if "requestBody" in operation:
        codes += ["bad-request", "body-too-large", "unsupported-media-type"]
    _add(responses, generic_problems(codes))


def _add(responses: dict[str, Any], problems: Responses) -> None:
    for status, response in problems.items():
        present = responses.setdefault(str(status), response)
        for media_type, content in response["content"].items():
            examples = (
                present.setdefault("content", {}).setdefault(media_type, content).setdefault("examples", {})
            )
            examples.update(content["examples"])
