"""Staff hear once a day of new accounts."""

import re
from collections.abc import Awaitable, Callable
from email.message import EmailMessage

import httpx
import pytest

from app.core.clock import shop_today, start_of_day
from app.identity.permissions import Role
from tests.conftest import SignUp
from tests.messaging.conftest import Mailed, OpenJob
from tests.worker.conftest import Ask, Change
from tests.worker.post_office import text_of

JOB = "tell_staff_of_accounts"
Told = Callable[[], Awaitable[list[EmailMessage]]]


@pytest.fixture
async def staff(live_sign_up: SignUp, mailed: Mailed, change: Change) -> dict[str, str]:
    """Address by role; they, and `ada`, are as old as the shop."""
    del mailed
    named = {role.value: await live_sign_up(role) for role in Role if role is not Role.USER}
    await change("UPDATE users SET created_at = '2020-01-01'")
    return {role: f"{caller.username}@example.com" for role, caller in named.items()}


@pytest.fixture
def told(open_job: OpenJob, mailed: Mailed) -> Told:
    """Runs the job of the day; the mails so far."""

    async def run() -> list[EmailMessage]:
        await open_job(JOB)
        return await mailed(None)

    return run


async def open_accounts(live_sign_up: SignUp, change: Change, count: int) -> list[str]:
    """Accounts of yesterday's last second, the first of its first, and one of today."""
    today = start_of_day(shop_today()).isoformat()
    yesterday = start_of_day(shop_today()).timestamp() - 86_400
    names = []
    for number in range(count):
        caller = await live_sign_up()
        names.append(caller.username)
        moment = (
            f"to_timestamp({yesterday})" if number == 0 else f"timestamptz '{today}' - interval '1 second'"
        )
        await change(f"UPDATE users SET created_at = {moment} WHERE id = {caller.id}")  # noqa: S608 (a number)
    late = await live_sign_up()
    await change(f"UPDATE users SET created_at = '{today}' WHERE id = {late.id}")  # noqa: S608 (a number)
    return names


async def test_who_may_read_accounts_is_told_of_yesterdays(
    staff: dict[str, str],
    live_sign_up: SignUp,
    change: Change,
    told: Told,
    live_client: httpx.AsyncClient,
    ask: Ask,
) -> None:
    names = await open_accounts(live_sign_up, change, 12)
    mails = await told()
    assert {mail["To"] for mail in mails} == {staff["admin"], staff["super_admin"]}
    assert {mail["Subject"] for mail in mails} == {"New accounts yesterday"}
    for mail in mails:
        for part in (text_of(mail), text_of(mail, "html")):
            assert "opened yesterday: 12" in part
            lines = [line.strip() for line in re.sub(r"<[^>]+>", "", part).splitlines()]
            assert [line for line in lines if line in names] == names[:10]
            assert "and 2 more" in part
    written = (
        "SELECT count(*) || ' ' || min(details->>'count') FROM notifications WHERE kind = 'new_accounts'"
    )
    assert await ask(written) == "2 12"
    admin = await live_sign_up(Role.ADMIN)
    assert (await live_client.get("/api/v1/users/me/notifications", headers=admin.headers)).json()[
        "total"
    ] == 0


async def test_a_day_without_new_accounts_is_not_told(
    staff: dict[str, str], live_sign_up: SignUp, change: Change, told: Told, ask: Ask
) -> None:
    await open_accounts(live_sign_up, change, 0)
    assert staff
    assert await told() == []
    assert await ask("SELECT count(*) FROM notifications") == 0


async def test_a_run_that_comes_twice_tells_once(
    staff: dict[str, str], live_sign_up: SignUp, change: Change, told: Told, mailed: Mailed
) -> None:
    await open_accounts(live_sign_up, change, 1)
    assert len(await told()) == 2
    await change("UPDATE outbox_events SET done_at = NULL WHERE type = 'staff_notes.due'")
    await change("UPDATE outbox_events SET available_at = now(), locked_until = now()")
    assert len(await mailed(None)) == 2
    assert staff


async def test_who_turned_mails_about_news_off_is_told_in_the_shop_alone(
    staff: dict[str, str],
    live_sign_up: SignUp,
    change: Change,
    told: Told,
    ask: Ask,
) -> None:
    await open_accounts(live_sign_up, change, 1)
    await change(
        "INSERT INTO notification_choices SELECT id, 'news', 'mail', false FROM users WHERE role = 'admin'"
    )
    [mail] = await told()
    assert mail["To"] == staff["super_admin"]
    assert await ask("SELECT count(*) FROM notifications") == 2
