"""The client of docs/client.md, as it stands there, in a real browser on an origin of its own."""

import re
from pathlib import Path

from devstack import Servers
from tests.browser.test_own_writes import browser, page_server, run_page, served
from tests.conftest import PASSWORD, ROOT, make_account, running_app, settings_for

__all__ = ["browser"]

PROGRAM = """
const found = [];
async function step(name, action) {
  try {
    found.push({ step: name, value: await action() });
  } catch (fault) {
    found.push({ step: name, status: fault.status, code: fault.code, fault: String(fault) });
  }
}
(async () => {
  const plan = await (await fetch("/plan")).json();
  await step("stranger", resume);
  await step("wrong password", () => logIn(plan.username, "no-" + plan.password));
  await step("log in", () => logIn(plan.username, plan.password));
  await step("me", async () => (await call("/users/me")).username);
  await step("create", async () =>
    (await call("/books", { method: "POST", json: { title: "The Cuckoo", price: 7 } })).title);
  await step("seen by scripts", async () => document.cookie.includes("access_token"));
  const kept = csrf;
  csrf = null;
  await step("without the token", () => call("/books", { method: "POST", json: { title: "Two", price: 7 } }));
  await step("resume", async () => (await resume()) && csrf === kept);
  await step("refresh", async () => (await send("/auth/refresh", { method: "POST" })).ok);
  await step("log out", logOut);
  await step("after", () => call("/users/me"));
  await fetch("/found", { method: "POST", body: JSON.stringify(found) });
})();
"""


def _page(api: str) -> bytes:
    [code] = re.findall(r"```js\n(.*?)```", (ROOT / "docs" / "client.md").read_text(), re.DOTALL)
    code = code.replace("https://api.example.com", api)
    return f"<!doctype html><title>client</title><script>{code}{PROGRAM}</script>".encode()


async def test_the_guides_client_logs_in_writes_and_resumes_by_cookies(
    servers: Servers, empty_database_url: str, browser: str, tmp_path: Path
) -> None:
    with page_server() as page:
        settings = settings_for(servers, empty_database_url, cors={"origins": page.origin})
        async with running_app(settings) as app, served(app) as address:
            async with app.state.database.sessions.begin() as arranging:
                seller = await make_account(app, arranging)
            page.html = _page(address)
            page.plan = {"username": seller.username, "password": PASSWORD}
            steps = await run_page(browser, page, tmp_path)

    assert steps["stranger"]["value"] is False
    assert steps["wrong password"]["status"] == 401
    assert "fault" not in steps["log in"], steps["log in"]
    assert steps["me"]["value"] == seller.username
    assert steps["create"]["value"] == "The Cuckoo"
    assert steps["seen by scripts"]["value"] is False
    assert (steps["without the token"]["status"], steps["without the token"]["code"]) == (403, "csrf-refused")
    assert steps["resume"]["value"] is True
    assert steps["refresh"]["value"] is True
    assert "fault" not in steps["log out"], steps["log out"]
    assert steps["after"]["status"] == 401
