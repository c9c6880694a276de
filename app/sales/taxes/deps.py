"""What the router of tax rates asks for."""

from typing import Annotated

from fastapi import Depends

from app.core.db.transaction import SessionDep
from app.core.errors import refuses
from app.sales.taxes.errors import TaxRateNeverValid, TaxRateNotFound, TaxRatesOverlap
from app.sales.taxes.service import TaxRateService


@refuses(TaxRateNotFound, where=lambda use: use.method != "POST")
@refuses(TaxRatesOverlap, TaxRateNeverValid, where=lambda use: use.method != "DELETE")
async def get_tax_rate_service(session: SessionDep) -> TaxRateService:
    """Tax rates on the request's transaction."""
    return TaxRateService.build(session)


TaxRateServiceDep = Annotated[TaxRateService, Depends(get_tax_rate_service, scope="function")]
