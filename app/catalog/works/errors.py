"""Refusals about works, and the redirection that a merge leaves behind."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from app.core.errors import AppError, on_constraint


class WorkNotFound(AppError):
    """There is no work with this id."""

    status = 404
    code = "work-not-found"
    title = "Work not found"


class WorkMerged(AppError):
    """The work was merged into another one, at the address in `Location`; `current_id` is its id."""

    status = HTTPStatus.PERMANENT_REDIRECT
    code = "work-merged"
    title = "The work was merged into another one"
    members: ClassVar[Mapping[str, Any]] = {
        "current_id": {"type": "integer", "format": "int64", "examples": [7]}
    }


class UnknownWork(AppError):
    """A book names a work id that does not exist."""

    status = 409
    code = "unknown-work"
    title = "Unknown work"


def no_work(work_id: int) -> WorkNotFound:
    """Refuse an id that no work has."""
    return WorkNotFound(f"There is no work {work_id}.")


def merged_work(work_id: int, canonical_id: int) -> WorkMerged:
    """Redirect to the work that stands for a merged one."""
    detail = f"Work {work_id} was merged into work {canonical_id}."
    return WorkMerged(detail, moved={"work_id": canonical_id}, current_id=canonical_id)


on_constraint("fk_books_work_id_works", UnknownWork, "work_id", "The work_id does not exist.")
