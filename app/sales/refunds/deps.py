"""What the router of refunds asks for."""

from typing import Annotated

from fastapi import Depends, Request

from app.core.db.transaction import transaction
from app.core.errors import refuses
from app.identity.errors import StepUpRequired
from app.sales.errors import OrderNotFound
from app.sales.payments.deps import ProvidersDep
from app.sales.refunds.flow import RefundFlow


@refuses(OrderNotFound, StepUpRequired)
async def get_refund_flow(request: Request, providers: ProvidersDep) -> RefundFlow:
    """Refunds in transactions of their own: the request's own one begins when all is said."""
    state = request.app.state
    return RefundFlow(
        lambda: transaction(state.database, state.cache), providers, state.settings.refunds.fresh_above
    )


RefundFlowDep = Annotated[RefundFlow, Depends(get_refund_flow)]
