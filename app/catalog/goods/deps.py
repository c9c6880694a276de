"""What routers of lists ask for."""

from fastapi import Request

from app.core.errors import RateLimited, refuses
from app.core.rate_limit import client_address, count_request
from app.identity.authentication.deps import find_caller


@refuses(RateLimited)
async def limit_search(request: Request) -> None:
    """Count a search of a caller who is not logged in against their address, beside the general limit. Raises RateLimited."""
    is_search = not request.query_params.keys().isdisjoint(("search", "q"))
    if not is_search or await find_caller(request) is not None:
        return
    await count_request(request, "search", client_address(request))
