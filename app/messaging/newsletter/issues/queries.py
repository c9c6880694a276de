"""Reads issues, with what became of their mails."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult
from app.messaging.email.models import MailRecord, NewsletterIssue
from app.messaging.newsletter.issues.errors import IssueNotFound
from app.messaging.newsletter.issues.schemas import IssueFilter, IssueOut


def _mails(*states: str) -> ColumnElement[int]:
    of_issue = (MailRecord.issue_id == NewsletterIssue.id, MailRecord.state.in_(states))
    counted = select(func.count()).select_from(MailRecord).where(*of_issue).correlate(NewsletterIssue)
    return counted.scalar_subquery()


_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    NewsletterIssue.id,
    NewsletterIssue.subject,
    NewsletterIssue.text,
    NewsletterIssue.recipients,
    NewsletterIssue.created_at,
    NewsletterIssue.queued_at,
    _mails("sent").label("sent"),
    _mails("queued", "handed_over").label("waiting"),
    _mails("refused").label("refused"),
    _mails("dropped").label("dropped"),
)
_NEWEST_FIRST = Order(keys=((NewsletterIssue.id.expression, True),))


async def list_issues(connection: AsyncConnection, query: IssueFilter, pager: Pager) -> ReadResult:
    """One page of issues, the latest first. Raises InvalidCursor."""
    window = pager.window(query)
    found = await find_page(connection, select(NewsletterIssue.id), _NEWEST_FIRST, window, _COLUMNS)
    shown = [IssueOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, shown), found.snapshot)


async def get_issue(connection: AsyncConnection, issue_id: int) -> ReadResult:
    """One issue. Raises IssueNotFound."""
    found = select(*_COLUMNS, snapshot_text).where(NewsletterIssue.id == issue_id)
    row = (await connection.execute(found)).one_or_none()
    if row is None:
        raise IssueNotFound(f"There is no issue {issue_id}.")
    return ReadResult(IssueOut.model_validate(row), row.snapshot)
