"""Issues of the newsletter: once to everybody who wants them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from app.identity.permissions import Role
from app.messaging.newsletter.issues import repository
from app.messaging.newsletter.issues.events import IssueBatchDue
from tests.conftest import Audit, Caller, SignUp
from tests.factories import once
from tests.messaging.newsletter.conftest import API
from tests.messaging.newsletter.test_double_opt_in import Work
from tests.worker.conftest import Ask, Change, Publish, StartWorker, all_done
from tests.worker.post_office import ACCEPTED, PostOffice, text_of, token_of

ISSUES = "/api/v1/admin/newsletter/issues"
ISSUE = {"subject": "Neu: Žižek & <b>", "text": "See https://shop.example.com/books/1?a=1&b=2\n\n<b>Bye</b>"}
Fill = Callable[[int], Awaitable[None]]
Send = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
def fill(change: Change) -> Fill:
    """So many addresses get the newsletter."""

    async def run(count: int) -> None:
        await change(
            "INSERT INTO newsletter_subscriptions (email, email_key, state, confirmed_at)"  # noqa: S608 (a number)
            " SELECT 'reader' || n || '@example.com', 'reader' || n || '@example.com', 'confirmed', now()"
            f" FROM generate_series(1, {count}) AS n"
        )

    return run


@pytest.fixture
async def admin(live_sign_up: SignUp) -> Caller:
    return await live_sign_up(Role.ADMIN)


@pytest.fixture
def send(live_client: httpx.AsyncClient, admin: Caller) -> Send:
    """Sends the issue; what the API says of it."""

    async def run() -> dict[str, Any]:
        answer = await live_client.post(ISSUES, json=ISSUE, headers=once(admin))
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    return run


async def test_everybody_who_is_subscribed_gets_it_once(
    live_client: httpx.AsyncClient, admin: Caller, fill: Fill, send: Send, work: Work, post_office: PostOffice
) -> None:
    await fill(7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repository, "BATCH", 3)
        made = await send()
        assert (made["recipients"], made["queued_at"]) == (0, None)
        await work()
    assert Counter(mail["To"] for mail in post_office.messages) == {
        f"reader{n}@example.com": 1 for n in range(1, 8)
    }
    shown = (await live_client.get(f"{ISSUES}/{made['id']}", headers=admin.headers)).json()
    assert (shown["recipients"], shown["sent"], shown["waiting"], shown["dropped"]) == (7, 7, 0, 0)
    assert shown["queued_at"]
    listed = (await live_client.get(ISSUES, headers=admin.headers)).json()
    assert [one["subject"] for one in listed["items"]] == [ISSUE["subject"]]


async def test_the_mail_says_what_staff_wrote_and_how_to_leave(
    live_client: httpx.AsyncClient, fill: Fill, send: Send, work: Work, post_office: PostOffice
) -> None:
    await fill(1)
    await send()
    await work()
    [mail] = post_office.messages
    assert mail["Subject"] == ISSUE["subject"]
    assert ISSUE["text"] in text_of(mail).replace("\r\n", "\n")
    html = text_of(mail, "html")
    assert '<a href="https://shop.example.com/books/1?a=1&amp;b=2"' in html
    assert "&lt;b&gt;Bye&lt;/b&gt;" in html
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    token = token_of(mail, "/newsletter/unsubscribe")
    assert (await live_client.post(f"{API}/unsubscribe", params={"token": token})).status_code == 204
    await send()
    await work()
    assert len(post_office.messages) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE newsletter_subscriptions SET state = 'unsubscribed' WHERE id = 1",
        "UPDATE newsletter_subscriptions SET state = 'pending' WHERE id = 1",
        "UPDATE newsletter_subscriptions SET confirmed_at = now() + interval '1 hour' WHERE id = 1",
        "INSERT INTO mail_suppressions (email, email_key, reason) VALUES ('a', 'reader1@example.com', 'manual')",
        "UPDATE newsletter_subscriptions SET user_id = (SELECT id FROM users) WHERE id = 1; CLOSED",
    ],
)
async def test_who_must_not_get_it_does_not(
    statement: str, fill: Fill, send: Send, work: Work, change: Change, post_office: PostOffice
) -> None:
    await fill(2)
    await send()
    for one in statement.split(";"):
        await change(one.replace("CLOSED", "UPDATE users SET is_active = false"))
    await work()
    assert [mail["To"] for mail in post_office.messages] == ["reader2@example.com"]


async def test_a_batch_that_is_told_twice_is_sent_once(
    fill: Fill, send: Send, work: Work, tell: Publish, ask: Ask, post_office: PostOffice
) -> None:
    await fill(3)
    issue = await send()
    await asyncio.gather(*(tell(IssueBatchDue(issue["id"], 0)) for _ in range(4)))
    await work()
    assert len(post_office.messages) == 3
    assert await ask("SELECT recipients FROM newsletter_issues") == 3


async def test_an_issue_that_is_posted_twice_with_one_key_is_sent_once(
    live_client: httpx.AsyncClient, admin: Caller, fill: Fill, work: Work, post_office: PostOffice
) -> None:
    await fill(1)
    headers = once(admin)
    first, second = [await live_client.post(ISSUES, json=ISSUE, headers=headers) for _ in range(2)]
    assert first.json() == second.json()
    bare = await live_client.post(ISSUES, json=ISSUE, headers=admin.headers)
    assert (bare.status_code, bare.json()["code"]) == (400, "idempotency-key-missing")
    await work()
    assert len(post_office.messages) == 1


async def test_killed_again_and_again_everybody_gets_it_once(
    fill: Fill, send: Send, ask: Ask, start_worker: StartWorker, post_office: PostOffice
) -> None:
    async def take_a_moment(_message: EmailMessage) -> str:
        await asyncio.sleep(0.03)
        return ACCEPTED

    post_office.answer = take_a_moment
    await fill(60)
    await send()
    for _ in range(3):
        seen = post_office.seen
        worker = start_worker()
        for _ in range(400):
            if post_office.seen > seen + 3:
                break
            await asyncio.sleep(0.02)
        worker.kill()
        worker.wait()
    start_worker()
    await all_done(ask)
    arrived = Counter(message["To"] for message in post_office.messages)
    assert set(arrived.values()) == {1}
    given_up = await ask("SELECT count(*) FROM dead_letters")
    # What a worker was about to hear of when it was killed, nobody knows: it is not sent again.
    assert await ask("SELECT count(*) FROM mail_log WHERE state = 'sent'") + given_up == 60
    assert await ask("SELECT recipients FROM newsletter_issues") == 60


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"subject": "S"},
        {"subject": "", "text": "T"},
        {"subject": "S\nBcc: eve@example.com", "text": "T"},
        {"subject": "S" * 151, "text": "T"},
        {"subject": "S", "text": ""},
        {"subject": "S", "text": "T" * 20_001},
        {"subject": "S", "text": "T\x00"},
        {"subject": "S", "text": "T", "recipients": 1},
    ],
)
async def test_what_is_no_issue_is_refused(
    client: httpx.AsyncClient, sign_up: SignUp, body: dict[str, Any]
) -> None:
    answer = await client.post(ISSUES, json=body, headers=once(await sign_up(Role.ADMIN)))
    assert answer.status_code == 422


async def test_an_issue_stands_in_the_audit_log_and_one_that_is_not_there_is_not_found(
    client: httpx.AsyncClient, sign_up: SignUp, audit: Audit
) -> None:
    editor = await sign_up(Role.ADMIN)
    made = await client.post(ISSUES, json=ISSUE, headers=once(editor))
    assert made.headers["location"] == f"{ISSUES}/{made.json()['id']}"
    [entry] = await audit(action="newsletter.sent")
    assert entry["actor_id"] == editor.id
    gone = await client.get(f"{ISSUES}/999999", headers=editor.headers)
    assert (gone.status_code, gone.json()["code"]) == (404, "newsletter-issue-not-found")
