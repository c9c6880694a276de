"""Events about what is not there are not tried again and again: it does not come back."""

from app.core.events.events import Event
from app.core.events.feed import EventsSequenced
from app.identity.events import EmailChanged, PasswordChanged, UserRegistered
from app.messaging.email.events import MailQueued
from app.messaging.webhooks.events import WebhookDisabled
from app.sales.bills.events import BillPaid
from app.sales.invoices.events import InvoiceIssued
from app.sales.orders.events import (
    OrderCancelled,
    OrderDelivered,
    OrderOverdue,
    OrderPaid,
    OrderReadyForPickup,
    OrderRefunded,
    OrderShipped,
)
from app.sales.payments.events import PaymentDoubted, PaymentUnwanted, WebhookReceived
from app.sales.refunds.events import RefundRequested
from tests.conftest import SignUp

from .conftest import Ask, Publish, RunningWorker, all_done

NOBODY = 999_999


async def test_what_is_not_there_costs_one_try(
    live_sign_up: SignUp, tell: Publish, ask: Ask, running_worker: RunningWorker
) -> None:
    somebody = await live_sign_up()
    events: list[Event] = [
        OrderPaid(NOBODY, "A", user_id=somebody.id),
        OrderRefunded(NOBODY, "A", 1, "5.00", user_id=somebody.id),
        OrderShipped(NOBODY, "A", 1, user_id=somebody.id),
        OrderReadyForPickup(NOBODY, "A", user_id=somebody.id),
        OrderDelivered(NOBODY, "A", user_id=somebody.id),
        OrderCancelled(NOBODY, "A", "cancelled", user_id=somebody.id),
        OrderOverdue(NOBODY),
        InvoiceIssued(NOBODY),
        BillPaid(NOBODY),
        MailQueued(NOBODY),
        PaymentDoubted(NOBODY),
        PaymentUnwanted(NOBODY, NOBODY),
        WebhookReceived(NOBODY),
        RefundRequested(NOBODY),
        WebhookDisabled(NOBODY, NOBODY, "example.com", "gone"),
        UserRegistered(NOBODY),
        PasswordChanged(NOBODY),
        EmailChanged(NOBODY, "a@example.com"),
        EventsSequenced(NOBODY, NOBODY),
    ]
    for event in events:
        await tell(event)
    async with running_worker():
        await all_done(ask)
    retried = "SELECT string_agg(type || ' ' || payload, ', ') FROM outbox_events WHERE attempts > 1"
    assert await ask(retried) is None
    letters = "SELECT string_agg(type || ': ' || error, ', ' ORDER BY type) FROM dead_letters"
    reason = f"PermanentFailure: there is no order {NOBODY} to invoice"
    assert await ask(letters) == f"order.paid: {reason}, order.refunded: {reason}"
