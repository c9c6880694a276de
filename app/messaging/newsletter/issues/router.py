"""`/api/v1/admin/newsletter/issues`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.core.db.paging import Page, PagerDep
from app.core.db.transaction import SessionDep
from app.core.http.idempotency import IDEMPOTENCY_KEY_REQUIRED, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import SHOP_MANAGER
from app.messaging.newsletter.issues import queries
from app.messaging.newsletter.issues.errors import IssueNotFound
from app.messaging.newsletter.issues.schemas import IssueFilter, IssueIn, IssueOut
from app.messaging.newsletter.issues.service import IssueService

router = APIRouter(prefix="/api/v1/admin/newsletter/issues", tags=["newsletter"], route_class=IdempotentRoute)


async def get_issue_service(session: SessionDep) -> IssueService:
    """Issues on the request's transaction."""
    return IssueService.build(session)


IssueServiceDep = Annotated[IssueService, Depends(get_issue_service, scope="function")]


@router.get(
    "", summary="List issues of the newsletter", response_model=Page[IssueOut], dependencies=[SHOP_MANAGER]
)
async def list_newsletter_issues(
    query: Annotated[IssueFilter, Query()], pager: PagerDep, hot: HotDep
) -> Response:
    """A page of issues, the latest first, each with what became of its mails."""
    return await hot.answer_private(partial(queries.list_issues, query=query, pager=pager))


@router.post(
    "",
    status_code=201,
    summary="Send an issue of the newsletter",
    response_model=IssueOut,
    dependencies=[SHOP_MANAGER, IDEMPOTENCY_KEY_REQUIRED],
)
async def send_newsletter_issue(issue: IssueIn, issues: IssueServiceDep, read_back: ReadBackDep) -> Response:
    """Mail it to every address that is subscribed now and not suppressed, once each; the worker does so in batches.

    It cannot be called back. Whoever leaves meanwhile gets no mail that was not sent yet.
    """
    issue_id = await issues.send(issue)
    location = f"/api/v1/admin/newsletter/issues/{issue_id}"
    return await read_back(partial(queries.get_issue, issue_id=issue_id), status=201, location=location)


@router.get(
    "/{issue_id}",
    summary="Read an issue of the newsletter",
    response_model=IssueOut,
    dependencies=[SHOP_MANAGER],
    responses=problems(IssueNotFound),
)
async def get_newsletter_issue(issue_id: RowId, hot: HotDep) -> Response:
    """An issue, with what became of its mails."""
    return await hot.answer_private(partial(queries.get_issue, issue_id=issue_id))
