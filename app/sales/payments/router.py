"""`/api/v1/orders/{number}/payments`, and `/api/v1/payments/webhooks`."""

from functools import partial

from fastapi import APIRouter, Request, Response

from app.core.http.idempotency import IDEMPOTENCY_KEY_REQUIRED, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import Buyer
from app.sales.errors import OrderNotFound
from app.sales.gift_cards.errors import UnknownGiftCard
from app.sales.orders.deps import SeenUserDep
from app.sales.orders.schemas import OrderNumber
from app.sales.payments import queries
from app.sales.payments.deps import (
    PaymentFlowDep,
    PaymentServiceDep,
    ProvidersDep,
    RequestKey,
    WebhookSender,
)
from app.sales.payments.errors import (
    GiftCardEmpty,
    OrderAlreadyPaid,
    OrderNotPayable,
    PaymentNotFound,
    PaymentUnderWay,
    WebhookRefused,
)
from app.sales.payments.schemas import (
    PaymentBegunOut,
    PaymentIn,
    PaymentsOut,
    PaymentWebhookOut,
)

router = APIRouter(prefix="/api/v1", tags=["payments"], route_class=IdempotentRoute)


@router.post(
    "/orders/{number}/payments",
    status_code=201,
    summary="Pay an order",
    response_model=PaymentBegunOut,
    responses=problems(OrderAlreadyPaid, OrderNotPayable, PaymentUnderWay, UnknownGiftCard, GiftCardEmpty),
    dependencies=[IDEMPOTENCY_KEY_REQUIRED],
)
async def create_payment(
    number: OrderNumber,
    payment: PaymentIn,
    buyer: Buyer,
    request_key: RequestKey,
    payments: PaymentFlowDep,
    read_back: ReadBackDep,
) -> Response:
    """Pay what is due of your own order. Look at `status`: `succeeded`; `failed`, with the reason; `requires_action`,
    where the browser goes on with `client_secret` and then confirms; `pending`, where the provider has not said yet.

    A payment that waits for you gives way to the new one. Needs an `Idempotency-Key`: nobody pays twice.
    """
    payment_id, secret = await payments.pay(buyer.user_id, number, payment, request_key)
    location = f"/api/v1/orders/{number}/payments"
    read = partial(queries.get_payment, payment_id=payment_id, client_secret=secret)
    return await read_back(read, status=201, location=location)


@router.get(
    "/orders/{number}/payments",
    summary="List an order's payments",
    response_model=PaymentsOut,
    responses=problems(OrderNotFound),
)
async def list_payments(number: OrderNumber, user_id: SeenUserDep, hot: HotDep) -> Response:
    """All payments of your own order, or, with `orders:manage`, of anybody's; and what is left to pay."""
    return await hot.answer_private(partial(queries.list_payments, number=number, user_id=user_id))


@router.post(
    "/orders/{number}/payments/{payment_id}/confirm",
    summary="Come back from the provider",
    response_model=PaymentBegunOut,
    responses=problems(PaymentNotFound),
)
async def confirm_payment(
    number: OrderNumber, payment_id: RowId, buyer: Buyer, payments: PaymentFlowDep, read_back: ReadBackDep
) -> Response:
    """Call it when the browser is back: the provider is asked, and the order is paid if the payment succeeded.

    Called again, or beside the provider's webhook, it answers the same.
    """
    await payments.resume(buyer.user_id, number, payment_id)
    return await read_back(partial(queries.get_payment, payment_id=payment_id))


@router.post(
    "/payments/webhooks/{provider}",
    summary="Receive a provider's event",
    responses=problems(WebhookRefused),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "object", "additionalProperties": True, "examples": [{"id": "evt_1"}]}
                }
            },
        }
    },
)
async def receive_payment_webhook(
    provider: WebhookSender, request: Request, providers: ProvidersDep, payments: PaymentServiceDep
) -> PaymentWebhookOut:
    """For providers: the signature is over the very bytes of the body. An event is stored once, however often it
    comes, and worked on afterwards: the provider is asked how things stand, so the order of events does not matter.
    """
    body = await request.body()
    await payments.receive(provider, providers.get(provider).parse_webhook(body, request.headers))
    return PaymentWebhookOut(received=True)
