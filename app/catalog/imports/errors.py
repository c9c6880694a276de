"""Refusals about import jobs."""

from app.core.errors import AppError


class ImportNotFound(AppError):
    """There is no import with this id."""

    status = 404
    code = "import-not-found"
    title = "Import not found"


class ImportFinished(AppError):
    """The import is over and cannot be cancelled."""

    status = 409
    code = "import-finished"
    title = "The import is over"


class ImportNotRetryable(AppError):
    """Only an import that failed, was cancelled or has failed rows can be run again, while its file is kept."""

    status = 409
    code = "import-not-retryable"
    title = "The import cannot be run again"


class ImportNotRevertible(AppError):
    """Only an import that is over and wrote something can be reverted."""

    status = 409
    code = "import-not-revertible"
    title = "The import cannot be reverted"


def unknown_import(job_id: int) -> ImportNotFound:
    """The refusal of a job that there is not."""
    return ImportNotFound(f"There is no import {job_id}.")
