"""What the worker does about payments: looks into what providers said, or did not say."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime

import structlog

from app.core.clock import utc_now
from app.core.events.events import Delivery, HandlerContext, RetryAfter, delivers
from app.sales.orders.events import OrderCancelled
from app.sales.payments.events import FakeWebhookDue, PaymentDoubted, WebhookReceived
from app.sales.payments.fake import NAME, FakeProvider
from app.sales.payments.flow import PaymentFlow
from app.sales.payments.port import DISPUTES, ProviderRefused, ProviderUnavailable
from app.sales.payments.providers import Providers
from app.sales.payments.queries import find_payment_of
from app.sales.payments.repository import PaymentRepository
from app.sales.payments.service import PaymentService

_PAUSE = 30.0
"""Seconds until a provider that does not answer is asked again."""
_log = structlog.get_logger(__name__)


@delivers(WebhookReceived)
async def look_into_webhook(context: HandlerContext, event: WebhookReceived, _delivery: Delivery) -> None:
    """Ask the provider how the payment stands that its event was about. Raises RetryAfter."""
    async with context.transaction() as session:
        payment_id = await find_payment_of(await session.connection(), event.webhook_id)
    if payment_id is None:
        # Of another shop at the same provider, or of one before this.
        _log.info("webhook_of_no_payment", webhook_id=event.webhook_id)
        return
    await _with_flow(context, payment_id, PaymentFlow.ask)


@delivers(WebhookReceived)
async def look_into_dispute(context: HandlerContext, event: WebhookReceived, _delivery: Delivery) -> None:
    """Ask the provider whether the payment is disputed that its event was about. Raises RetryAfter."""
    async with context.transaction() as session:
        payment_id = await find_payment_of(await session.connection(), event.webhook_id, DISPUTES)
    if payment_id is not None:
        await _with_flow(context, payment_id, PaymentFlow.ask_about_disputes)


@delivers(PaymentDoubted)
async def look_into_payment(context: HandlerContext, event: PaymentDoubted, _delivery: Delivery) -> None:
    """Ask the provider about a payment that is under way for long. Raises RetryAfter."""
    await _with_flow(context, event.payment_id, PaymentFlow.ask)


@delivers(OrderCancelled)
async def stop_payment(context: HandlerContext, event: OrderCancelled, _delivery: Delivery) -> None:
    """Cancel the payment that is under way for an order that is off. Raises RetryAfter."""
    async with context.transaction() as session:
        payment = await PaymentRepository(session).find_under_way(event.order_id)
    if payment is not None:
        await _with_flow(context, payment.id, PaymentFlow.stop)


@delivers(FakeWebhookDue)
async def send_fake_webhooks(context: HandlerContext, event: FakeWebhookDue, _delivery: Delivery) -> None:
    """Bring the fake provider's events, signed, to where those of others come in. Raises RetryAfter until it is time."""
    wait = (datetime.fromisoformat(event.due_at) - utc_now()).total_seconds()
    if wait > 0:
        raise RetryAfter("the webhook is to be late", wait)
    settings = context.settings
    secret = settings.jwt.secret.get_secret_value()
    provider = FakeProvider(context.transaction, secret, settings.payments.fake_delay)
    for signed in await provider.tell(event.reference):
        told = provider.parse_webhook(signed.body, signed.headers)
        async with context.transaction() as session:
            await PaymentService.build(session).receive(NAME, told)


async def _with_flow(
    context: HandlerContext, payment_id: int, step: Callable[[PaymentFlow, int], Awaitable[None]]
) -> None:
    async with aclosing(Providers(context.settings, context.transaction)) as providers:
        try:
            await step(PaymentFlow(context.transaction, providers), payment_id)
        except ProviderUnavailable as silence:
            raise RetryAfter(f"payment {payment_id}: {silence}", _PAUSE) from silence
        except ProviderRefused as refusal:
            _log.error("payment_unknown_to_provider", payment_id=payment_id, error=refusal)
