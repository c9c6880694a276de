"""Refusals of merges."""

from collections.abc import Mapping
from typing import Any, ClassVar

from app.core.errors import AppError


class MergeNotFound(AppError):
    """There is no merge with this id."""

    status = 404
    code = "merge-not-found"
    title = "Merge not found"


class UnknownMergeTarget(AppError):
    """`into` names an author or work that does not exist."""

    status = 409
    code = "unknown-merge-target"
    title = "Nothing to merge into"


class MergeIntoItself(AppError):
    """An author or work cannot be merged into itself, also not by way of what was merged into it."""

    status = 409
    code = "merge-into-itself"
    title = "Cannot merge into itself"


class AlreadyMerged(AppError):
    """It was merged into another one before; undo that merge first, or merge the other one."""

    status = 409
    code = "already-merged"
    title = "Merged already"
    members: ClassVar[Mapping[str, Any]] = {
        "merged_into": {"type": "integer", "format": "int64", "examples": [7]}
    }


class TooManyAliases(AppError):
    """The target would have more aliases than an author may have; take some off first."""

    status = 409
    code = "too-many-aliases"
    title = "Too many aliases"


class AlreadyUndone(AppError):
    """The merge was undone before."""

    status = 409
    code = "already-undone"
    title = "Undone already"


class MergedFurther(AppError):
    """A later merge builds on this one: of the target itself, or in the same books; undo `undo_first` before it."""

    status = 409
    code = "merged-further"
    title = "A later merge builds on this one"
    members: ClassVar[Mapping[str, Any]] = {
        "undo_first": {"type": "integer", "format": "int64", "examples": [7]}
    }
