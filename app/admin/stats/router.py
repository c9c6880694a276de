"""`/api/v1/admin/dashboard`."""

from fastapi import APIRouter, Response

from app.admin.stats import queries
from app.admin.stats.schemas import Dashboard
from app.core.http.responses import HotDep
from app.identity.authentication.deps import STATS_READER

router = APIRouter(prefix="/api/v1/admin", tags=["admin"])


@router.get("/dashboard", summary="Read the dashboard", response_model=Dashboard, dependencies=[STATS_READER])
async def get_dashboard(reads: HotDep) -> Response:
    """How many accounts there are, of which role, open or closed, and how many were opened each day."""
    return await reads.answer_private(queries.get_dashboard)
