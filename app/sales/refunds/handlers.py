"""What the worker does about refunds: gives back what nobody is to keep, and asks providers again."""

from contextlib import aclosing

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import Delivery, HandlerContext, RetryAfter, delivers, handles
from app.sales.orders.events import OrderCancelled
from app.sales.payments.events import PaymentUnwanted, WebhookReceived
from app.sales.payments.port import ProviderUnavailable
from app.sales.payments.providers import Providers
from app.sales.payments.queries import find_payment_of
from app.sales.refunds.events import RefundRequested
from app.sales.refunds.flow import RefundFlow
from app.sales.refunds.queries import find_pending_refunds
from app.sales.refunds.service import RefundService

_PAUSE = 30.0
"""Seconds until a provider that does not answer is asked again."""


@handles(OrderCancelled)
async def refund_cancelled_order(session: AsyncSession, event: OrderCancelled, _delivery: Delivery) -> None:
    """Give back what was paid for an order that is off; what is given back already, or on its way, is not left."""
    await RefundService.build(session).give_back_all(event.order_id, f"The order was {event.reason}.")


@handles(PaymentUnwanted)
async def refund_unwanted_payment(session: AsyncSession, event: PaymentUnwanted, _delivery: Delivery) -> None:
    """Give back what came for an order that was paid before, or is off."""
    reason = "It came when nothing was due."
    await RefundService.build(session).give_back_payment(event.order_id, event.payment_id, reason)


@delivers(RefundRequested)
async def carry_out_refund(context: HandlerContext, event: RefundRequested, _delivery: Delivery) -> None:
    """Ask the providers for what is pending of the refund. Raises RetryAfter."""
    await _carry_out(context, event.refund_id)


@delivers(WebhookReceived)
async def look_into_refunds(context: HandlerContext, event: WebhookReceived, _delivery: Delivery) -> None:
    """Ask about pending refunds of the payment that a provider's event is about. Raises RetryAfter."""
    async with context.transaction() as session:
        connection = await session.connection()
        payment_id = await find_payment_of(connection, event.webhook_id)
        pending = [] if payment_id is None else await find_pending_refunds(connection, payment_id)
    for refund_id in pending:
        await _carry_out(context, refund_id)


async def _carry_out(context: HandlerContext, refund_id: int) -> None:
    async with aclosing(Providers(context.settings, context.transaction)) as providers:
        try:
            await RefundFlow(context.transaction, providers, context.settings.refunds.fresh_above).carry_out(
                refund_id
            )
        except ProviderUnavailable as silence:
            raise RetryAfter(f"refund {refund_id}: {silence}", _PAUSE) from silence
