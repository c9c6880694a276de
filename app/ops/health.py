"""Is it alive, is it ready, how is it: for orchestrators, load balancers and people."""

import asyncio
import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.core.http.leaving import LEAVING
from app.core.http.problems import MEDIA_TYPE, RETRY_AFTER, problems
from app.ops.background import check_background
from app.ops.checks import Check, check_all
from app.ops.details import OPTIONAL_CREDENTIALS, SeesDetails
from app.ops.errors import Draining, NotReady
from app.ops.schemas import BackgroundOut, CheckOut, HealthOut, LivenessOut, ReadinessOut

_STARTED = time.monotonic()

router = APIRouter(tags=["operations"])


async def look(request: Request) -> tuple[tuple[Check, ...], BackgroundOut]:
    """Check what requests need and what waits for the worker, at the same time."""
    return await asyncio.gather(check_all(request), check_background(request))


async def stay() -> None:
    """Raises Draining once the process was told to go; before anything is asked."""
    if LEAVING.has_begun:
        headers = {"Retry-After": str(RETRY_AFTER)}
        raise Draining("This process is stopping; send requests to another one.", headers=headers)


LookDep = Annotated[tuple[tuple[Check, ...], BackgroundOut], Depends(look)]


def _not_ready_responses() -> dict[int | str, dict[str, Any]]:
    responses = problems(NotReady, Draining)
    example = responses[503]["content"][MEDIA_TYPE]["examples"][NotReady.code]["value"]
    example |= {
        "detail": "redis: no answer within 1.5 s",
        "instance": "/health/ready",
        "checks": {
            "postgresql": {"status": "up", "duration_ms": 1.42},
            "schema": {"status": "up", "duration_ms": 1.42},
            "redis": {"status": "down", "reason": "no answer within 1.5 s", "duration_ms": 1500.31},
        },
    }
    return responses


@router.get("/health/live", summary="Whether the process answers")
async def get_liveness(response: Response) -> LivenessOut:
    """Touches neither database nor Redis: restart the process when this fails."""
    response.headers["Cache-Control"] = "no-store"
    return LivenessOut()


@router.get(
    "/health/ready",
    summary="Whether requests can be served",
    response_model_exclude_none=True,
    dependencies=[Depends(stay)],
    responses=_not_ready_responses(),
    openapi_extra=OPTIONAL_CREDENTIALS,
)
async def get_readiness(found: LookDep, is_detailed: SeesDetails, response: Response) -> ReadinessOut:
    """Answers 200 when PostgreSQL and Redis answer and the schema is this release's or a newer one's, else 503. A Redis that is for
    the cache alone may be away.

    `draining` says that this process was told to stop and still ends what it has begun: it comes back no more.
    Whoever has `jobs:read`, or calls the internal port, is told in `checks` which of them is down and why; and in
    `background` how far the worker is behind, which makes nothing unready: requests do not wait for it.
    """
    response.headers["Cache-Control"] = "no-store"
    checks, background = found
    down = [f"{check.name}: {check.reason}" for check in checks if check.is_missed]
    headers = {"Retry-After": str(RETRY_AFTER)}
    if down and not is_detailed:
        raise NotReady("Requests cannot be served at the moment.", headers=headers)
    if down:
        listed = {name: check.model_dump(exclude_none=True) for name, check in _by_name(checks).items()}
        raise NotReady("; ".join(down), headers=headers, checks=listed)
    return ReadinessOut(checks=_by_name(checks), background=background) if is_detailed else ReadinessOut()


@router.get(
    "/health",
    summary="Whether the service is up",
    response_model_exclude_none=True,
    openapi_extra=OPTIONAL_CREDENTIALS,
)
async def get_health(
    request: Request, found: LookDep, is_detailed: SeesDetails, response: Response
) -> HealthOut:
    """Up or down, and all there is to know for whoever has `jobs:read` or calls the internal port.

    Answered with 200 whatever it says: `/health/ready` is the one to act on.
    """
    response.headers["Cache-Control"] = "no-store"
    checks, background = found
    condition = _condition(checks, background)
    status: Literal["up", "down"] = "down" if condition == "down" else "up"
    if not is_detailed:
        return HealthOut(status=status)
    return HealthOut(
        status=status,
        condition=condition,
        version=request.app.version,
        uptime_s=round(time.monotonic() - _STARTED, 1),
        is_cache_connected=request.app.state.cache.is_connected,
        checks=_by_name(checks),
        background=background,
    )


def _condition(checks: tuple[Check, ...], background: BackgroundOut) -> Literal["ok", "degraded", "down"]:
    down = {check.name for check in checks if not check.is_up}
    if not down:
        return "degraded" if background.status == "late" else "ok"
    # Without Redis every read goes to PostgreSQL and limits are counted per worker, but all of it works.
    return "degraded" if down <= {"redis", "redis_cache"} else "down"


def _by_name(checks: tuple[Check, ...]) -> dict[str, CheckOut]:
    return {
        check.name: CheckOut(
            status="up" if check.is_up else "down", reason=check.reason, duration_ms=check.duration_ms
        )
        for check in checks
    }
