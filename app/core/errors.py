"""The base of every business error, and the errors that belong to no domain."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypedDict, TypeVar

_Dependency = TypeVar("_Dependency", bound=Callable[..., Any])


class FieldProblem(TypedDict):
    """One field's complaint: where, what, and the stable type of the complaint."""

    field: str
    message: str
    type: str


class AppError(Exception):
    """A business rule said no. A leaf sets status, code and title; none has a default.

    `keep_writes = True` commits what the request wrote before the error, for the few
    cases in which the refusal itself must be remembered.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    keep_writes: ClassVar[bool] = False
    members: ClassVar[Mapping[str, Any]] = {}
    """What its problem has beside the members of every problem: name → JSON schema, for the document."""

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        moved: Mapping[str, object] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.moved = dict(moved or {})
        """Path parameters of the address where it stands now, which the answer's `Location` names."""
        self.extra = extra

    @classmethod
    def about(cls, field: str, message: str) -> tuple[FieldProblem]:
        """The one complaint, about one field, whose type is the error's code: for `errors`."""
        return ({"field": field, "message": message, "type": cls.code},)


class StaleVersion(AppError):
    """`If-Match` names a version that is no longer the current one (RFC 9110 §13.1.1)."""

    status = 412
    code = "stale-version"
    title = "The resource changed since you read it"
    members: ClassVar[Mapping[str, Any]] = {"current_version": {"type": "integer", "examples": [4]}}


class RateLimited(AppError):
    """A client used up its quota for a zone; `Retry-After` says when to come back."""

    status = 429
    code = "rate-limited"
    title = "Too many requests"


class InvalidCursor(AppError):
    """A page cursor that this API did not issue, or issued for other filters."""

    status = 422
    code = "invalid-cursor"
    title = "The cursor does not fit this list"


CONSTRAINT_ERRORS: dict[str, tuple[type[AppError], str, str]] = {}
"""Database constraint → (error, field, message). Each domain's errors module adds its own."""


def on_constraint(name: str, error: type[AppError], field: str, message: str) -> None:
    """Answer a violation of the named constraint with this error about this field."""
    CONSTRAINT_ERRORS[name] = (error, field, message)


class Use(NamedTuple):
    """How an operation uses a dependency: the operation's method, and the permissions it asks for."""

    method: str
    scopes: Sequence[str] = ()


_REFUSALS: dict[Callable[..., Any], list[tuple[Callable[[Use], bool], tuple[type[AppError], ...]]]] = {}


def refuses(
    *errors: type[AppError], where: Callable[[Use], bool] = lambda _: True
) -> Callable[[_Dependency], _Dependency]:
    """Note that a FastAPI dependency refuses so, where it is used in such a way.

    Every operation that uses it documents these problems without naming them again.
    """

    def note(dependency: _Dependency) -> _Dependency:
        _REFUSALS.setdefault(dependency, []).append((where, errors))
        return dependency

    return note


def refusals_of(dependency: Callable[..., Any] | None, use: Use) -> Iterator[type[AppError]]:
    """The errors that `refuses` notes for the dependency, used like this."""
    for where, errors in _REFUSALS.get(dependency, ()) if dependency is not None else ():
        if where(use):
            yield from errors
