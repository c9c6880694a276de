"""What answers here, which release runs, and what each error code means."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from app import REVISION
from app.core.errors import AppError
from app.core.http.negotiation import HTML, prefers_html
from app.core.http.problems import GENERIC, problems
from app.ops.checks import schema_heads
from app.ops.details import OPTIONAL_CREDENTIALS, SeesDetails
from app.ops.errors import ProblemNotFound
from app.ops.problem_page import show_problem, show_problems
from app.ops.remedies import remedy_of
from app.ops.schemas import LinksOut, ProblemKindOut, ProblemKindsOut, RootOut, VersionOut

router = APIRouter(tags=["operations"])
_Explained = TypeVar("_Explained", ProblemKindOut, ProblemKindsOut)
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The explanation.", "content": {HTML: {"schema": {"type": "string"}}}}
}
CodePath = Annotated[str, Path(max_length=100, description="`code` of a problem.", examples=["validation"])]


@router.get("/", summary="What answers here")
async def get_root(request: Request, response: Response) -> RootOut:
    """Name and version, and where to go on."""
    response.headers["Cache-Control"] = "no-cache"
    app, settings = request.app, request.app.state.settings
    base = settings.public_url.rstrip("/")
    links = LinksOut(
        api=f"{base}/api/v1",
        docs=f"{base}/docs" if settings.shows_docs else None,
        openapi=f"{base}/openapi.json" if settings.shows_docs else None,
        health=f"{base}/health",
        problems=f"{base}/problems",
    )
    return RootOut(name=app.title, version=app.version, links=links)


@router.get(
    "/version",
    summary="Which release runs",
    response_model_exclude_none=True,
    openapi_extra=OPTIONAL_CREDENTIALS,
)
async def get_version(request: Request, is_detailed: SeesDetails, response: Response) -> VersionOut:
    """Name, version, the image's commit, where the API lies and its schema: for whoever has `jobs:read` or calls the internal port.

    Anybody else learns that it is up.
    """
    response.headers["Cache-Control"] = "no-store"
    if not is_detailed:
        return VersionOut()
    app = request.app
    return VersionOut(
        name=app.title,
        version=app.version,
        revision=REVISION,
        api="/api/v1",
        schema_heads=sorted(schema_heads()),
    )


@router.get("/problems", summary="Every error code", response_model=ProblemKindsOut, responses=_PAGE)
async def list_problems(request: Request, response: Response) -> ProblemKindsOut | Response:
    """What `code` and `type` of an error may be and what to do about each, sorted by code: as `get_problem`, HTML or JSON."""
    kinds = _kinds()
    listed = ProblemKindsOut(items=list(kinds.values()), total=len(kinds))
    return _for_reader(request, response, listed, show_problems)


@router.get(
    "/problems/{code}",
    summary="What an error code means",
    response_model=ProblemKindOut,
    responses={**_PAGE, **problems(ProblemNotFound)},
)
async def get_problem(code: CodePath, request: Request, response: Response) -> ProblemKindOut | Response:
    """The page that an error's `type` leads to, and what to do about it: for people as HTML, for programs as JSON."""
    kind = _kinds().get(code)
    if kind is None:
        raise ProblemNotFound("No error of this API has that code; GET /problems lists them all.")
    return _for_reader(request, response, kind, show_problem)


def _for_reader(
    request: Request, response: Response, told: _Explained, show: Callable[[_Explained], Response]
) -> _Explained | Response:
    """For people a page, for programs the same as JSON."""
    page = show(told) if prefers_html(request.scope) else None
    headers = response.headers if page is None else page.headers
    headers["Cache-Control"] = "no-store"
    headers["Vary"] = "Accept"
    return page or told


@cache
def _kinds() -> dict[str, ProblemKindOut]:
    kinds = [_kind(code, *described) for code, described in GENERIC.items()]
    kinds += [
        _kind(error.code, error.status, error.title, " ".join((error.__doc__ or error.title).split()))
        for error in _leaves(AppError)
    ]
    return {kind.code: kind for kind in sorted(kinds, key=lambda kind: kind.code)}


def _kind(code: str, status: int, title: str, description: str) -> ProblemKindOut:
    return ProblemKindOut(
        type=f"/problems/{code}",
        code=code,
        status=status,
        title=title,
        description=description,
        remedy=remedy_of(code, status),
    )


def _leaves(error: type[AppError]) -> Iterator[type[AppError]]:
    for subclass in error.__subclasses__():
        if "code" in subclass.__dict__:
            yield subclass
        yield from _leaves(subclass)
