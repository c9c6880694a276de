"""What the router of bills asks for."""

from typing import Annotated

from fastapi import Depends, Request

from app.core.db.transaction import SessionDep
from app.sales.bills.service import BillService


async def get_bill_service(request: Request, session: SessionDep) -> BillService:
    """Bills in the shop's currency, on the request's transaction."""
    state = request.app.state
    return BillService.build(session, state.outbound, state.settings.currency)


BillServiceDep = Annotated[BillService, Depends(get_bill_service, scope="function")]
