"""`/metrics` for Prometheus: the sum over all workers of this host, whichever of them answers."""

import asyncio
import os

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import PlainTextResponse, Response

from app.ops.background import measure_background
from app.ops.publisher import publish

_EXAMPLE = """\
# HELP http_requests_total Requests by route template and status.
# TYPE http_requests_total counter
http_requests_total{method="GET",route="/api/v1/books/{book_id}",status="200"} 1027.0
"""

router = APIRouter(tags=["operations"])


@router.get(
    "/metrics",
    summary="Metrics in the Prometheus text format",
    response_class=PlainTextResponse,
    responses={
        200: {"description": "The metrics, one a line.", "content": {"text/plain": {"example": _EXAMPLE}}}
    },
)
async def get_metrics(request: Request) -> Response:
    """Requests, errors, latency, requests in flight, pools, cache and build, by route template."""
    publish(request.app.state.database, request.app.state.cache)
    await measure_background(request)
    # In a thread: to add up the files of many workers takes milliseconds that other requests need not wait.
    text = await asyncio.to_thread(_render)
    return Response(text, media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _render() -> bytes:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    return generate_latest(registry)
