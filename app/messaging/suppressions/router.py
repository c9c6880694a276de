"""`/api/v1/mail/bounces` for mail providers, `/api/v1/admin/mail-suppressions` for staff."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.core.db.paging import Page, PagerDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import USER_ADMIN, USER_READER
from app.messaging.suppressions import queries
from app.messaging.suppressions.deps import BOUNCE_SECRET, SuppressionServiceDep
from app.messaging.suppressions.schemas import (
    BounceIn,
    BounceOut,
    SuppressionFilter,
    SuppressionIn,
    SuppressionOut,
)

router = APIRouter(prefix="/api/v1", tags=["mail"], route_class=IdempotentRoute)


@router.post("/mail/bounces", summary="Report a bounce or a complaint", dependencies=[BOUNCE_SECRET])
async def receive_bounce(bounce: BounceIn, suppressions: SuppressionServiceDep) -> BounceOut:
    """For mail providers, who share a secret with the shop: the address gets no mails of lists any more, and of a
    hard bounce nothing but what proves an address. Told twice, it is known once.
    """
    await suppressions.take_bounce(bounce)
    return BounceOut()


@router.get(
    "/admin/mail-suppressions",
    summary="List suppressed addresses",
    response_model=Page[SuppressionOut],
    dependencies=[USER_READER],
)
async def list_suppressions(
    query: Annotated[SuppressionFilter, Query()], pager: PagerDep, hot: HotDep
) -> Response:
    """A page of the addresses that get no mail, the latest first, each with its reason."""
    return await hot.answer_private(partial(queries.list_suppressions, query=query, pager=pager))


@router.post(
    "/admin/mail-suppressions",
    status_code=201,
    summary="Suppress an address",
    response_model=SuppressionOut,
    dependencies=[USER_ADMIN, IDEMPOTENT],
)
async def suppress_address(
    wanted: SuppressionIn, suppressions: SuppressionServiceDep, read_back: ReadBackDep
) -> Response:
    """Take an address off all lists, as somebody may ask by letter. Mails about its orders and account still go there."""
    suppression_id = await suppressions.add(wanted)
    return await read_back(partial(queries.get_suppression, suppression_id=suppression_id), status=201)


@router.delete(
    "/admin/mail-suppressions/{suppression_id}",
    status_code=204,
    summary="Lift a suppression",
    dependencies=[USER_ADMIN],
)
async def lift_suppression(suppression_id: RowId, suppressions: SuppressionServiceDep) -> None:
    """Let mail go to the address again; what was dropped meanwhile is not sent."""
    await suppressions.lift(suppression_id)
