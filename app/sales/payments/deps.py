"""What the router of payments asks for."""

import hashlib
from typing import Annotated

from fastapi import Depends, Path, Request

from app.core.db.transaction import SessionDep, transaction
from app.core.errors import refuses
from app.sales.errors import OrderNotFound
from app.sales.payments.errors import ProviderNotOffered
from app.sales.payments.flow import PaymentFlow
from app.sales.payments.providers import Providers
from app.sales.payments.service import PaymentService


@refuses(ProviderNotOffered)
async def get_providers(request: Request) -> Providers:
    """The providers that this process has opened so far."""
    providers: Providers = request.app.state.payment_providers
    return providers


WebhookSender = Annotated[str, Path(max_length=20, description="Name of the provider.", examples=["stripe"])]
ProvidersDep = Annotated[Providers, Depends(get_providers)]


@refuses(OrderNotFound)
async def get_payment_flow(request: Request, providers: ProvidersDep) -> PaymentFlow:
    """Payments in transactions of their own: the request's own one begins when all is said."""
    state = request.app.state
    return PaymentFlow(lambda: transaction(state.database, state.cache), providers)


async def get_payment_service(session: SessionDep) -> PaymentService:
    """Payments on the request's transaction."""
    return PaymentService.build(session)


async def get_request_key(request: Request) -> bytes:
    """A hash of the `Idempotency-Key` of the caller, who is known by now: a request that is made again after a crash
    finds what it began.
    """
    scope = request.scope
    sent = request.headers.get("idempotency-key", "")
    parts = (scope["state"].get("user_id"), scope["path"], sent)
    return hashlib.blake2b(repr(parts).encode()).digest()


PaymentFlowDep = Annotated[PaymentFlow, Depends(get_payment_flow)]
PaymentServiceDep = Annotated[PaymentService, Depends(get_payment_service, scope="function")]
RequestKey = Annotated[bytes, Depends(get_request_key)]
