"""Who merges, with real commits."""

import pytest

from app.identity.permissions import Role
from tests.conftest import Caller, SignUp


@pytest.fixture
async def staff(live_sign_up: SignUp) -> Caller:
    """A moderator, who may also sell."""
    return await live_sign_up(Role.MODERATOR)
