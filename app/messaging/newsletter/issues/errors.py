"""Refusals about issues of the newsletter."""

from app.core.errors import AppError


class IssueNotFound(AppError):
    """There is no issue with this id."""

    status = 404
    code = "newsletter-issue-not-found"
    title = "No such issue of the newsletter"
