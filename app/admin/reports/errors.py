"""Refusals about reports."""

from app.core.errors import AppError


class ReportTaskNotFound(AppError):
    """There is no such task of the caller's, or its time is over."""

    status = 404
    code = "task-not-found"
    title = "Task not found"


class TooManyReports(AppError):
    """So many reports of the caller are being made; ask again when one is done."""

    status = 409
    code = "too-many-reports"
    title = "Too many reports at once"


class ReportNotReady(AppError):
    """The report is still being made, or could not be made: the task says which."""

    status = 409
    code = "report-not-ready"
    title = "There is no result"


class ReportLost(AppError):
    """The file is gone from the store; ask for the report again."""

    status = 410
    code = "report-lost"
    title = "The result is lost"
