"""The OpenAPI document: one problem schema, and the problems that every operation may answer."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from app.core.http.problems import Problem, generic_problems
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


def install_openapi(app: FastAPI, behind_login: Responses, writes_behind_login: Responses) -> None:
    """Serve a document in which errors look as they do on the wire.

    `behind_login` are the problems that every operation with credentials may answer, and
    `writes_behind_login` those that it may answer besides unless it only reads.
    """

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _build(app, behind_login, writes_behind_login)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _build(app: FastAPI, behind_login: Responses, writes_behind_login: Responses) -> dict[str, Any]:
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
    conditional = _conditional_reads(app)
    for path in spec["paths"].values():
        for method, operation in path.items():
            _complete(operation)
            if operation["operationId"] in conditional:
                _make_conditional(operation)
            if method != "get":
                _add(operation["responses"], generic_problems(_WHERE_WRITTEN))
            if operation.get("security"):
                _add(operation["responses"], behind_login)
                if method != "get":
                    _add(operation["responses"], writes_behind_login)
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    return spec


def _conditional_reads(app: FastAPI) -> set[str]:
    """The operations that `HotReads` answers, each with an ETag."""
    return {
        route.name
        for route in app.routes
        if isinstance(route, APIRoute)
        and any(needed.call is get_hot_reads for needed in route.dependant.dependencies)
    }


def _make_conditional(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append(_IF_NONE_MATCH)
    for status, response in NOT_MODIFIED.items():
        operation["responses"].setdefault(str(status), response)


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
