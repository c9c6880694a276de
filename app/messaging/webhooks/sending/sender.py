"""The worker's part that posts webhooks: beside the events, so that slow receivers hold up no mail and no payment.

A delivery is claimed in one transaction, posted outside of any, and recorded in another. A worker that is killed
between the last two sends it once more, with the same `webhook-id`.
"""

import asyncio
from contextlib import suppress
from time import monotonic

import structlog

from app.core.clock import utc_now
from app.core.db.faults import Fault
from app.core.events.events import HandlerContext
from app.core.metrics import WEBHOOK_TRY_DURATION
from app.core.outbound import TIMEOUT, OutboundBlocked, OutboundFailed
from app.core.outbound_tries import is_taken, wished_pause
from app.identity.mfa.secret_vault import SecretVault
from app.messaging.webhooks.sending.repository import Claimed, Outcome
from app.messaging.webhooks.sending.service import SendingService
from app.messaging.webhooks.signing import VAULT, Keys, signed_headers

POLL_EVERY = 1.0
"""Seconds after which it looks without having been woken: for tries that are due again."""
MOST_ANSWERED = 2048
"""Bytes of an answer that are kept."""
FINISH_WITHIN = TIMEOUT + 3.0

_LONGEST_PAUSE = 5.0
_log = structlog.get_logger(__name__)


class WebhookSender:
    """Sends what is due until it is told to stop."""

    def __init__(self, outside: HandlerContext, stopping: asyncio.Event) -> None:
        self._outside = outside
        self._stopping = stopping
        self._vault = SecretVault(outside.settings.jwt, VAULT)
        self._most = outside.settings.webhooks.concurrency
        self._lease = TIMEOUT + outside.settings.worker.lease
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something was committed."""
        self._woken.set()

    async def run(self) -> None:
        """Claim and send; at the end wait for what is under way."""
        while not self._stopping.is_set():
            self._woken.clear()
            room = self._most - len(self._tasks)
            if room > 0:
                async with self._outside.transaction() as session:
                    claimed = await SendingService.build(session).claim(room, self._lease)
                for each in claimed:
                    task = asyncio.create_task(self._send(each))
                    self._tasks.add(task)
                    task.add_done_callback(self._forget)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), POLL_EVERY)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FINISH_WITHIN)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._woken.set()

    async def _send(self, claimed: Claimed) -> None:
        started = monotonic()
        try:
            outcome = await self._post(claimed)
        except Exception:  # noqa: BLE001 (a try of which nothing is recorded would be made again for ever)
            _log.exception("webhook_not_sent", webhook_id=claimed.endpoint_id)
            outcome = Outcome(
                monotonic() - started, error="it could not be sent; the fault is not on your side"
            )
        WEBHOOK_TRY_DURATION.observe(outcome.seconds)
        _log.info(
            "webhook_tried",
            webhook_id=claimed.endpoint_id,
            message_id=claimed.message_id,
            attempt=claimed.attempt,
            status=outcome.status,
        )
        await self._record(claimed, outcome)

    async def _post(self, claimed: Claimed) -> Outcome:
        opened = [self._vault.open(claimed.owner_id, sealed) for sealed in claimed.sealed_keys]
        keys = [Keys.from_text(text) for text in opened if text is not None]
        if not keys or claimed.body is None:
            return Outcome(0, error="its secret cannot be read any more: rotate it")
        body = claimed.body.encode()
        headers = signed_headers(keys, claimed.message_id, int(utc_now().timestamp()), body)
        headers |= {"content-type": "application/json", "user-agent": "Bookstore-Webhooks/1"}
        started = monotonic()
        try:
            answer = await self._outside.outbound.post(claimed.url, body, headers, most=MOST_ANSWERED)
        except (OutboundBlocked, OutboundFailed) as fault:
            return Outcome(monotonic() - started, error=str(fault))
        text = answer.body.decode(errors="replace").replace("\x00", "\ufffd")
        error = None if is_taken(answer.status) else f"the receiver answered {answer.status}"
        wish = wished_pause(answer.headers.get("Retry-After"))
        return Outcome(answer.seconds, answer.status, error, text, wish)

    async def _record(self, claimed: Claimed, outcome: Outcome) -> None:
        """Insist while PostgreSQL is away, as long as the claim is ours: nobody else knows what came of it."""
        pause = 0.1
        until = monotonic() + self._lease
        while True:
            try:
                async with self._outside.transaction() as session:
                    await SendingService.build(session).record(claimed, outcome)
                    return
            except Exception as fault:  # noqa: BLE001 (whatever it is, it will be sent again)
                _log.warning("webhook_outcome_not_recorded", error=fault)
                if not Fault.of(fault).is_passing or monotonic() > until:
                    return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
