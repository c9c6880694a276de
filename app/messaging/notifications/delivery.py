"""Sends a notification by SMS or push: outside of any transaction, each browser and number once.

The gateway gets the delivery's id as reference, under which it sends once what a killed worker sent and did not
record; push services keep one message of a reference.
"""

from collections.abc import Awaitable, Callable

import structlog

from app.core.events.events import Delivery, HandlerContext, PermanentFailure, delivers
from app.core.push import PushDelayed, PushGone, PushRefused, PushSender, make_push_sender
from app.core.sms import SmsRefused, make_sms_sender
from app.messaging.notifications.dispatch import Browser, DispatchService, PushMessage, TextMessage
from app.messaging.notifications.events import NotificationQueued

_log = structlog.get_logger(__name__)


@delivers(NotificationQueued)
async def deliver_notification(
    outside: HandlerContext, event: NotificationQueued, _delivery: Delivery
) -> None:
    """Send it. Raises PermanentFailure when the gateway will never take it."""
    async with outside.transaction() as session:
        message = await DispatchService.build(session, outside.settings).prepare(event.delivery_id)
    if isinstance(message, TextMessage):
        await _send_text(outside, event.delivery_id, message)
    elif message is not None:
        await _send_push(outside, event.delivery_id, message)


async def _send_text(outside: HandlerContext, delivery_id: int, message: TextMessage) -> None:
    sender = make_sms_sender(outside.settings, outside.outbound)
    if sender is None:
        await _record(outside, lambda deliveries: deliveries.settle(delivery_id, "dropped"))
        return
    try:
        await sender.send(message.number, message.text, f"notification-{delivery_id}")
    except SmsRefused as refusal:
        await _record(outside, lambda deliveries: deliveries.settle(delivery_id, "refused"))
        raise PermanentFailure(f"the text message is refused: {refusal}") from refusal
    await _record(outside, lambda deliveries: deliveries.settle(delivery_id, "sent"))


async def _send_push(outside: HandlerContext, delivery_id: int, message: PushMessage) -> None:
    sender = make_push_sender(outside.settings, outside.outbound)
    if sender is None:
        await _record(outside, lambda deliveries: deliveries.settle(delivery_id, "dropped"))
        return
    delayed: PushDelayed | None = None
    state = "dropped"
    for browser in message.browsers:
        try:
            if await _reaches(outside, sender, (delivery_id, message.payload), browser):
                state = "sent"
        except PushDelayed as delay:
            # The others do not wait for it.
            delayed = delay
    if delayed is not None:
        raise delayed
    await _record(outside, lambda deliveries: deliveries.settle(delivery_id, state))


async def _reaches(
    outside: HandlerContext, sender: PushSender, sent: tuple[int, bytes], browser: Browser
) -> bool:
    """Send it to one browser, and record what its push service says. Raises PushDelayed."""
    delivery_id, payload = sent
    is_taken = True
    try:
        await sender.send(browser.subscription, payload, f"notification-{delivery_id}-{browser.id}")
    except PushGone:
        await _record(outside, lambda deliveries: deliveries.forget(browser))
        return False
    except PushRefused as refusal:
        is_taken = False
        _log.warning("push_refused", delivery_id=delivery_id, subscription_id=browser.id, error=refusal)
    await _record(outside, lambda deliveries: deliveries.reach(delivery_id, browser))
    return is_taken


async def _record(outside: HandlerContext, change: Callable[[DispatchService], Awaitable[None]]) -> None:
    async with outside.transaction() as session:
        await change(DispatchService.build(session, outside.settings))
