"""`/metrics` for Prometheus: the sum over all workers of this host, whichever of them answers."""

from fastapi import Depends, FastAPI, Request
from prometheus_fastapi_instrumentator import Instrumentator
from starlette.responses import PlainTextResponse

from app.ops.background import measure_background
from app.ops.publisher import publish

_EXAMPLE = """\
# HELP http_requests_total Total number of requests by method, status and handler.
# TYPE http_requests_total counter
http_requests_total{handler="/api/v1/books/{book_id}",method="GET",status="2xx"} 1027.0
"""


def add_metrics(app: FastAPI) -> None:
    """Serve them by the library's endpoint, measured just before."""
    Instrumentator().expose(
        app,
        endpoint="/metrics",
        tags=["operations"],
        name="get_metrics",
        operation_id="get_metrics",
        summary="Metrics in the Prometheus text format",
        description="Requests, errors, latency, sizes, pools, cache, queue and build, by route template.",
        response_class=PlainTextResponse,
        responses={
            200: {
                "description": "The metrics, one a line.",
                "content": {"text/plain": {"example": _EXAMPLE}},
            }
        },
        dependencies=[Depends(_measure)],
    )


async def _measure(request: Request) -> None:
    publish(request.app.state.database, request.app.state.cache)
    await measure_background(request)
    request.scope["state"]["answer_headers"] = [(b"cache-control", b"no-store")]
