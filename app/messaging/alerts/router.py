"""`/api/v1/items/{item_id}/alerts`, `/users/me/alerts` and `/alerts`: hear when an item is back, or costs less."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.catalog.goods.errors import ItemNotFound
from app.core.db.paging import Page, PagerDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.core.languages import preferred
from app.core.rate_limit import rate_limited
from app.identity.authentication.deps import Buyer, OrderReader
from app.identity.errors import InvalidOneTimeToken
from app.messaging.alerts import queries
from app.messaging.alerts.deps import AlertServiceDep, EndedAlert, WantedAlert
from app.messaging.alerts.errors import ItemWithoutPrice
from app.messaging.alerts.models import AlertKind
from app.messaging.alerts.schemas import (
    AlertAskedOut,
    AlertFilter,
    AlertOut,
    AlertProof,
    ConfirmedAlertOut,
    PriceAlertIn,
)

router = APIRouter(prefix="/api/v1", tags=["alerts"], route_class=IdempotentRoute)


@router.get("/users/me/alerts", summary="List one's alerts", response_model=Page[AlertOut])
async def list_alerts(
    query: Annotated[AlertFilter, Query()], owner: OrderReader, pager: PagerDep, hot: HotDep
) -> Response:
    """A page of one's own alerts, the newest first, with those that were told in the last three months."""
    return await hot.answer_private(
        partial(queries.list_alerts, user_id=owner.user_id, query=query, pager=pager)
    )


@router.put(
    "/items/{item_id}/alerts/back-in-stock",
    summary="Hear when an item is back in stock",
    response_model=AlertOut,
)
async def set_back_in_stock_alert(
    item_id: RowId, owner: Buyer, alerts: AlertServiceDep, read_back: ReadBackDep
) -> Response:
    """One mail when there are more of it: who waits longest hears first, and no more hear than there are copies.

    Nothing is reserved. Set again while it waits, it keeps its place. The account is told by the channels
    that it chose for `stock`, once its address is proven.
    """
    alert_id = await alerts.put(owner.user_id, item_id, AlertKind.BACK_IN_STOCK)
    return await read_back(partial(queries.get_alert, alert_id=alert_id))


@router.delete(
    "/items/{item_id}/alerts/back-in-stock",
    status_code=204,
    summary="Hear no more when an item is back in stock",
)
async def remove_back_in_stock_alert(item_id: RowId, owner: Buyer, alerts: AlertServiceDep) -> None:
    """End the alert; its mail, if it waits to be sent, is dropped."""
    await alerts.remove(owner.user_id, item_id, AlertKind.BACK_IN_STOCK)


@router.put(
    "/items/{item_id}/alerts/price-drop",
    summary="Hear when an item costs less",
    response_model=AlertOut,
    responses=problems(ItemWithoutPrice),
)
async def set_price_drop_alert(
    item_id: RowId, wanted: PriceAlertIn, owner: Buyer, alerts: AlertServiceDep, read_back: ReadBackDep
) -> Response:
    """A mail for each drop of the price to below `below`, or without that to below what it costs now; until it is ended.

    Set again, it starts from the present price.
    """
    alert_id = await alerts.put(owner.user_id, item_id, AlertKind.PRICE_DROP, wanted.below)
    return await read_back(partial(queries.get_alert, alert_id=alert_id))


@router.delete(
    "/items/{item_id}/alerts/price-drop", status_code=204, summary="Hear no more when an item costs less"
)
async def remove_price_drop_alert(item_id: RowId, owner: Buyer, alerts: AlertServiceDep) -> None:
    """End the alert; its mail, if it waits to be sent, is dropped."""
    await alerts.remove(owner.user_id, item_id, AlertKind.PRICE_DROP)


@router.post(
    "/items/{item_id}/alerts",
    status_code=202,
    summary="Ask for an alert at an address without an account",
    responses=problems(ItemNotFound, ItemWithoutPrice),
    dependencies=[Depends(rate_limited("mail")), IDEMPOTENT],
)
async def ask_for_alert(
    request: Request, item_id: RowId, wanted: WantedAlert, alerts: AlertServiceDep
) -> AlertAskedOut:
    """Mail the address a link that confirms it. The answer is the same for every address.

    After 48 hours without that the address is deleted. The mails' language is that of `Accept-Language`.
    """
    await alerts.request(item_id, wanted, preferred(request.headers.get("accept-language")))
    return AlertAskedOut()


@router.post(
    "/alerts/confirm",
    summary="Confirm an alert",
    dependencies=[Depends(rate_limited("mail_proof"))],
    responses=problems(InvalidOneTimeToken),
)
async def confirm_alert(proof: AlertProof, alerts: AlertServiceDep) -> ConfirmedAlertOut:
    """The token comes from the mail that was sent to the address; from now on it waits in line."""
    return await alerts.confirm(proof.token)


@router.post("/alerts/end", status_code=204, summary="End an alert by one click")
async def end_alert(alert_id: EndedAlert, alerts: AlertServiceDep) -> None:
    """What `List-Unsubscribe` of each such mail names (RFC 8058): no login and no cookies, whatever the body is.

    The alert is deleted; the second time nothing changes.
    """
    await alerts.end(alert_id)
