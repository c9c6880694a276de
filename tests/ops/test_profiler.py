"""The profiler answers who asks for it in development, and is refused elsewhere."""

import pytest

from app.core.settings.settings import SettingsError
from devstack import Servers
from tests.conftest import client_of, running_app, settings_for


async def test_a_request_that_asks_for_it_is_answered_with_its_profile(
    servers: Servers, empty_database_url: str
) -> None:
    settings = settings_for(servers, empty_database_url, environment="development", profiler=True)
    async with running_app(settings) as application, client_of(application) as http:
        page = await http.get("/version", headers={"X-Profile": "1"})
        assert page.headers["content-type"].startswith("text/html")
        assert "pyinstrument" in page.text
        assert (await http.get("/version")).headers["content-type"] == "application/json"


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_it_is_refused_outside_development(servers: Servers, environment: str) -> None:
    with pytest.raises(SettingsError, match="PROFILER must be off outside development"):
        settings_for(servers, servers.database_url, environment=environment, profiler=True)
