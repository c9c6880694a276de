"""The worker's side of bills: whoever sent one is called when it is paid."""

import orjson

from app.core.events.events import Delivery, HandlerContext, PermanentFailure, RetryAfter, delivers
from app.core.outbound import Outbound, OutboundBlocked, OutboundFailed
from app.core.outbound_tries import is_taken, pause_after, wished_pause
from app.sales.bills.events import BillPaid
from app.sales.bills.repository import BillRepository, Called
from app.sales.bills.schemas import BillCallback
from app.sales.models import Bill, CallbackState


@delivers(BillPaid)
async def call_back(context: HandlerContext, event: BillPaid, delivery: Delivery) -> None:
    """Call whoever sent the bill. Raises RetryAfter, and PermanentFailure after the tenth try or a 410."""
    async with context.transaction() as session:
        bill = await BillRepository(session).find_to_call(event.bill_id)
    if bill is None:
        return
    called = await _call(context.outbound, bill, delivery.id)
    pause = pause_after(delivery.attempt, called.status, called.wish)
    state = CallbackState.DELIVERED
    if called.error is not None:
        state = CallbackState.FAILED if pause is None else CallbackState.PENDING
    async with context.transaction() as session:
        await BillRepository(session).note_call(bill.id, called, state)
    if called.error is None:
        return
    reason = f"callback of bill {bill.id}: {called.error}"
    if pause is None:
        raise PermanentFailure(reason)
    raise RetryAfter(reason, pause)


async def _call(outbound: Outbound, bill: Bill, event_id: int) -> Called:
    told = BillCallback(description=bill.title or f"Invoice {bill.number}", paid=True)
    # The same with each try, so that the receiver can tell a repetition.
    headers = {"Content-Type": "application/json", "Webhook-Id": f"bill_{event_id}"}
    try:
        answer = await outbound.post(bill.callback_url or "", told.model_dump_json().encode(), headers)
    except (OutboundBlocked, OutboundFailed) as fault:
        # What may not be called now may be once its name means another address again.
        return Called(None, None, str(fault))
    if not is_taken(answer.status):
        wish = wished_pause(answer.headers.get("Retry-After"))
        return Called(answer.status, None, f"the receiver answered {answer.status}", wish)
    return Called(answer.status, _ok_of(answer.body), None)


def _ok_of(body: bytes) -> bool | None:
    """What the answer says, if it says it as documented."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    ok = said.get("ok") if isinstance(said, dict) else None
    return ok if isinstance(ok, bool) else None
