"""Who may know what stands behind the API: whoever calls the internal port, and who may read jobs."""

from typing import Annotated, Any

from fastapi import Depends, Request

from app.core.db.faults import Fault
from app.core.errors import AppError
from app.core.settings.settings import Settings
from app.identity.authentication.credentials import SCHEMES, identify
from app.identity.permissions import Permission

OPTIONAL_CREDENTIALS: dict[str, Any] = {
    "security": [{}, *({scheme.scheme_name: [Permission.JOBS_READ.value]} for scheme in SCHEMES)]
}
"""For OpenAPI: who sends none, or others, gets the short answer."""


async def sees_details(request: Request) -> bool:
    """Whether the caller gets more than up or down. Never refuses: a probe is answered whatever it sends."""
    settings: Settings = request.app.state.settings
    # The port of the socket that the connection came in by, which no header can change.
    address = request.scope.get("server")
    if address is not None and settings.internal_port is not None and address[1] == settings.internal_port:
        return True
    try:
        caller = await identify(request)
    except AppError:
        return False
    except Exception as fault:
        if Fault.of(fault) is not Fault.UNAVAILABLE:
            raise
        return False
    if caller is None or (settings.mfa.required_for_staff and caller.is_staff_by_one_factor):
        return False
    return caller.may(Permission.JOBS_READ)


SeesDetails = Annotated[bool, Depends(sees_details)]
