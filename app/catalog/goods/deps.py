"""What routers of lists ask for."""

from fastapi import Request

from app.core.errors import RateLimited, refuses
from app.core.rate_limit import RateLimiter, client_address
from app.identity.authentication.deps import find_caller


@refuses(RateLimited)
async def limit_search(request: Request) -> None:
    """Count a search against the address of a caller who is not logged in. Raises RateLimited."""
    is_search = not request.query_params.keys().isdisjoint(("search", "q"))
    if not is_search or await find_caller(request) is not None:
        return
    limiter: RateLimiter = request.app.state.rate_limiter
    request.scope["state"]["answer_headers"] = await limiter.check("search", client_address(request))
