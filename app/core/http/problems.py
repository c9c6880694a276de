"""Errors as `application/problem+json` (RFC 9457): one shape for every refusal and fault."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Mount

from app.core.db.faults import Fault
from app.core.errors import AppError, FieldProblem
from app.core.http.refusals import RefusalLog
from app.core.observers import report_fault

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 2
"""Seconds after which a client may try again when a server behind us is away."""
RETRY_AFTER_COLLISION = 1

_STARLETTE_CODES = {
    400: "bad-request",
    404: "no-such-route",
    405: "method-not-allowed",
    413: "body-too-large",
}
MOST_ERRORS = 20
"""Complaints that an answer lists; the rest is counted, so that no answer outgrows its request."""
_LONGEST_TEXT = 300
"""Characters of a request that an answer repeats in one place."""
_LONGEST_DETAIL = 3 * _LONGEST_TEXT
_LENGTHS = {"too_long": ("max_length", "most"), "too_short": ("min_length", "least")}
_log = structlog.get_logger(__name__)


class FieldError(BaseModel):
    """One field's complaint."""

    field: str = Field(examples=["price"])
    message: str = Field(examples=["Input should be greater than 0"])
    type: str = Field(examples=["greater_than"])


class Problem(BaseModel):
    """An error (RFC 9457). `code` is stable; `errors` names the fields where there are any."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/problems/book-not-found"])
    title: str = Field(examples=["Book not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no book 42."])
    code: str = Field(examples=["book-not-found"])
    instance: str = Field(examples=["/api/v1/books/42"])
    request_id: str = Field(examples=["0b6f0ecf3d3c4e0e9a3c0d6b3f6f8f52"])
    errors: list[FieldError] | None = None
    errors_omitted: int | None = Field(
        default=None,
        description=f"How many complaints are not listed: `errors` has {MOST_ERRORS} at most.",
        examples=[None],
    )


GENERIC: dict[str, tuple[int, str, str]] = {
    "validation": (
        422,
        "The request is malformed",
        "A field or parameter is missing, unknown or out of range.",
    ),
    "bad-request": (400, "The request cannot be read", "The body or a header is not what it claims to be."),
    "host-not-allowed": (
        400,
        "Another host is meant",
        "`Host` names nobody that this API answers for; operators list its names in ALLOWED_HOSTS.",
    ),
    "no-such-route": (404, "No such address", "Nothing is served at this path."),
    "method-not-allowed": (405, "Method not allowed", "`Allow` lists the methods of this path."),
    "body-too-large": (
        413,
        "The body is too large",
        "A request body may have 1 MiB; an upload, what its operation says.",
    ),
    "headers-too-large": (
        431,
        "The headers are too large",
        "Request line and headers together may have 64 KiB.",
    ),
    "request-timeout": (
        408,
        "The request did not arrive in time",
        "The header must be there within 20 seconds, and a body may pause no longer.",
    ),
    "unsupported-media-type": (
        415,
        "Unsupported media type",
        "Send the content type that the operation names.",
    ),
    "internal": (500, "Internal error", "A fault on our side, logged under the request id."),
    "unavailable": (503, "A server behind us is away", "PostgreSQL does not answer; try again shortly."),
    "write-collision": (
        503,
        "Two changes met; send the request again",
        "This one gave way to another change of the same rows, and nothing of it was kept.",
    ),
}
"""Problems that the framework or a fault makes: code → status, title, explanation."""


def problem_response(
    request: Request,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **extra: object,
) -> Response:
    """One of the generic problems as an answer."""
    status, title, _ = GENERIC[code]
    return _respond(request, (status, code, title), detail, headers or {}, extra)


def _respond(
    request: Request,
    kind: tuple[int, str, str],
    detail: str,
    headers: Mapping[str, str],
    extra: Mapping[str, object],
) -> Response:
    status, code, title = kind
    request.scope.setdefault("state", {})["problem_code"] = code
    body = Problem(
        type=f"/problems/{code}",
        title=title,
        status=status,
        detail=_shortened(detail, _LONGEST_DETAIL),
        code=code,
        instance=_shortened(request.url.path),
        request_id=request.scope["state"].get("request_id", ""),
        **extra,
    )
    return Response(
        body.model_dump_json(exclude_none=True),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **headers},
    )


async def answer_refusal(request: Request, error: AppError) -> Response:
    """What a service or a dependency refuses, as an answer."""
    extra = {**error.extra, **_listed(error.errors)}
    headers = error.headers
    if error.moved:
        path = request.scope["route"].path.format_map({**request.path_params, **error.moved})
        headers = {**headers, "Location": f"{path}?{request.url.query}" if request.url.query else path}
    refusals: RefusalLog = request.app.state.refusals
    await refusals.note(request, error)
    return _respond(request, (error.status, error.code, error.title), error.detail, headers, extra)


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return await answer_other_method(request)
    code = _STARLETTE_CODES.get(error.status_code, "bad-request")
    coding = request.headers.get("content-encoding", "identity")
    if code == "bad-request" and coding.strip().lower() != "identity":
        # Of a body that cannot be read that is the reason (RFC 9110 §12.5.3).
        told = "Send the body as it is: no Content-Encoding is understood."
        return problem_response(
            request, "unsupported-media-type", told, headers={"Accept-Encoding": "identity"}
        )
    # The phrase of 413 is another one in RFC 9110, which Starlette speaks, than in older Pythons.
    says_more = error.detail not in {HTTPStatus(error.status_code).phrase, "Content Too Large"}
    detail = error.detail if says_more else GENERIC[code][2]
    return problem_response(request, code, detail, headers=error.headers)


async def answer_other_method(request: Request) -> Response:
    """405 with `Allow`, and for OPTIONS `Allow` alone (RFC 9110 §9.3.7): all methods of all routes at this path."""
    # A mount has taken its own part off the path that is still to be matched.
    root = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    scope = {**request.scope, "method": "OPTIONS", "root_path": root}
    routes = [one for one in request.app.router.routes if one.matches(scope)[0] is not Match.NONE]
    # Where paths share an address it is that one's which has a word first: `/books/isbn/{isbn}` has
    # `/books/isbn/cover`, though `/books/{book_id}/cover` would match it.
    ranks = [["{" in part for part in getattr(route, "path", "").split("/")] for route in routes]
    methods: set[str] = {"OPTIONS"}
    for route, rank in zip(routes, ranks, strict=True):
        if rank == min(ranks):
            methods |= {"GET"} if isinstance(route, Mount) else getattr(route, "methods", None) or set()
    if "GET" in methods:
        methods.add("HEAD")
    headers = {"Allow": ", ".join(sorted(methods))}
    if request.method == "OPTIONS":
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
    detail = f"This path answers to {headers['Allow']}."
    return problem_response(request, "method-not-allowed", detail, headers=headers)


async def _on_invalid_request(request: Request, error: RequestValidationError) -> Response:
    if _has_wrong_media_type(request):
        wanted = "application/x-www-form-urlencoded" if _expects_form(request) else "application/json"
        return problem_response(request, "unsupported-media-type", f"Send the body as {wanted}.")
    problems = error.errors()
    fields = [field_problem(problem) for problem in problems[:MOST_ERRORS]]
    told = "; ".join(f"{problem['field']}: {problem['message']}" for problem in fields[:3])
    return problem_response(request, "validation", told, **_listed(fields, len(problems)))


def _listed(errors: Sequence[FieldProblem], count: int | None = None) -> dict[str, Any]:
    """The members `errors` and `errors_omitted`, where there is something to say."""
    omitted = (len(errors) if count is None else count) - MOST_ERRORS
    listed = [
        {**one, "field": _shortened(one["field"]), "message": _shortened(one["message"])}
        for one in errors[:MOST_ERRORS]
    ]
    members: dict[str, Any] = {"errors": listed} if listed else {}
    return members | ({"errors_omitted": omitted} if omitted > 0 else {})


def _shortened(text: str, most: int = _LONGEST_TEXT) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _expects_form(request: Request) -> bool:
    field = getattr(request.scope.get("route"), "body_field", None)
    return field is not None and isinstance(field.field_info, Form)


def _has_wrong_media_type(request: Request) -> bool:
    if getattr(request.scope.get("route"), "body_field", None) is None:
        return False
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if _expects_form(request):
        return media_type not in {"application/x-www-form-urlencoded", "multipart/form-data"}
    return media_type != "application/json" and not media_type.endswith("+json")


def field_problem(problem: Mapping[str, Any]) -> FieldProblem:
    """An error of Pydantic as problems tell it."""
    location = [str(part) for part in problem["loc"]]
    if problem["type"] == "json_invalid":
        # FastAPI gives the place apart, Pydantic within its message.
        place = f" at character {location[-1]}" if location[-1].isdigit() else ""
        message = f"The body is not valid JSON: {problem['ctx']['error']}{place}"
        return {"field": "body", "message": message, "type": "json_invalid"}
    if problem["type"] in _LENGTHS and isinstance(problem["input"], str):
        # Pydantic counts "items after validation" where a constraint follows a validator of ours.
        bound, word = _LENGTHS[problem["type"]]
        count = problem["ctx"][bound]
        problem = {**problem, "msg": f"must have at {word} {count} character{'' if count == 1 else 's'}"}
    path = location[1:] if location[0] in {"body", "query", "path", "header"} else location
    message = str(problem["msg"]).removeprefix("Value error, ")
    return {"field": ".".join(path) or location[0], "message": message, "type": problem["type"]}


def fault_response(request: Request, error: Exception) -> Response:
    """The answer to an exception that nobody expected: 503 when changes met or a server is away, else 500."""
    fault = Fault.of(error)
    if fault is Fault.CONFLICT:
        _log.warning("write_collision", error=error)
        headers = {"Retry-After": str(RETRY_AFTER_COLLISION)}
        return problem_response(request, "write-collision", GENERIC["write-collision"][2], headers=headers)
    if fault is Fault.UNAVAILABLE:
        _log.warning("unavailable", error=error)
        headers = {"Retry-After": str(RETRY_AFTER)}
        return problem_response(request, "unavailable", "A server behind this one is away.", headers=headers)
    _log.exception("unhandled", exc_info=error)
    report_fault(error)
    return problem_response(request, "internal", "Something went wrong on our side; quote the request id.")


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every refusal of services and framework as a problem."""
    app.exception_handler(AppError)(answer_refusal)
    app.exception_handler(HTTPException)(_on_http_exception)
    app.exception_handler(RequestValidationError)(_on_invalid_request)


def problems(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of an operation: each error under its status, with an example per code."""
    responses: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        described = describe(error.code, error.status, error.title, first_line(error))
        _merge(responses, error.status, error.code, described)
    return responses


def generic_problems(codes: Iterable[str]) -> dict[int | str, dict[str, Any]]:
    """As `problems`, for the generic ones."""
    responses: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        status, title, text = GENERIC[code]
        _merge(responses, status, code, describe(code, status, title, text))
    return responses


def describe(code: str, status: int, title: str, detail: str) -> dict[str, Any]:
    """An example problem for the documentation."""
    return {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": "/api/v1/…",
        "request_id": "0b6f0ecf3d3c4e0e9a3c0d6b3f6f8f52",
    }


def first_line(error: type[AppError]) -> str:
    """The rule as the class docstring's first line states it."""
    return (error.__doc__ or error.title).strip().splitlines()[0]


def _merge(
    responses: dict[int | str, dict[str, Any]], status: int, code: str, example: dict[str, Any]
) -> None:
    response = responses.setdefault(
        status,
        {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
        },
    )
    response["content"][MEDIA_TYPE]["examples"][code] = {"summary": example["title"], "value": example}
