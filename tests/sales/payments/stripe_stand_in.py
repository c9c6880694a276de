"""A stand-in for Stripe's API on loopback: PaymentIntents, refunds, idempotency keys, signed webhooks, faults."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from app.core.clock import utc_now

SECRET_KEY = "sk_test_of_the_test_suite_alone"
WEBHOOK_SECRET = "whsec_of_the_test_suite_alone"


@dataclass
class StripeStandIn:
    """`calls` are the POSTs that arrived, with their keys; `fault` is what the next one meets."""

    port: int = 0
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    disputes: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[str, tuple[Any, web.Response]] = field(default_factory=dict)
    fault: str | None = None
    refund_status: str = "succeeded"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, request: web.Request) -> web.Response:
        """Any request: who asks, whether its key was used, and what is to go wrong."""
        if request.headers.get("Authorization") != f"Bearer {SECRET_KEY}":
            return _error(401, "invalid_request_error", "api_key_invalid")
        path = request.path.removeprefix("/v1/")
        if request.method == "GET":
            return self._listed(request.query) if path == "disputes" else self._found(path)
        key, form = request.headers["Idempotency-Key"], dict(await request.post())
        self.calls.append((path, key))
        if self.fault == "refuse":
            self.fault = None
            return _error(400, "invalid_request_error", "amount_too_large")
        if self.fault == "down":
            self.fault = None
            return _error(503, "api_error", None)
        if key in self.answers:
            sent, kept = self.answers[key]
            if sent != (path, form):
                return _error(400, "idempotency_error", None)
            answer = web.Response(status=kept.status, body=kept.body, content_type="application/json")
        else:
            answer = self._do(path, form)
            self.answers[key] = ((path, form), answer)
        if self.fault == "lose the answer":
            self.fault = None
            await asyncio.sleep(60)
        return answer

    def _do(self, path: str, form: dict[str, Any]) -> web.Response:
        if path == "payment_intents":
            number = f"pi_{len(self.intents) + 1}"
            self.intents[number] = {
                "id": number,
                "object": "payment_intent",
                "amount": int(form["amount"]),
                "amount_received": 0,
                "currency": form["currency"],
                "status": "requires_payment_method",
                "client_secret": f"{number}_secret_abc",
                "last_payment_error": None,
                "metadata": _metadata(form),
            }
            return web.json_response(self.intents[number])
        if path == "refunds":
            return self._refund(form)
        intent = self.intents[path.split("/")[1]]
        if intent["status"] == "succeeded":
            return _error(400, "invalid_request_error", "payment_intent_unexpected_state")
        intent["status"] = "canceled"
        return web.json_response(intent)

    def _refund(self, form: dict[str, Any]) -> web.Response:
        intent, amount = self.intents[form["payment_intent"]], int(form["amount"])
        given = sum(one["amount"] for one in self.refunds.values() if one["payment_intent"] == intent["id"])
        if given + amount > intent["amount_received"]:
            return _error(400, "invalid_request_error", "charge_already_refunded")
        number = f"re_{len(self.refunds) + 1}"
        self.refunds[number] = {
            "id": number,
            "object": "refund",
            "amount": amount,
            "status": self.refund_status,
            "payment_intent": intent["id"],
            "metadata": _metadata(form),
        }
        return web.json_response(self.refunds[number])

    def _found(self, path: str) -> web.Response:
        kind, number = path.split("/")
        found = {"payment_intents": self.intents, "refunds": self.refunds}[kind].get(number)
        if found is None:
            return _error(404, "invalid_request_error", "resource_missing")
        return web.json_response(found)

    def _listed(self, query: Mapping[str, str]) -> web.Response:
        about = [one for one in self.disputes if one["payment_intent"] == query["payment_intent"]]
        return web.json_response({"object": "list", "data": about, "has_more": False, "url": "/v1/disputes"})

    def dispute(self, number: str) -> dict[str, Any]:
        """The buyer's bank wants the money back."""
        one = {"id": f"dp_{number}", "object": "dispute", "payment_intent": number, "metadata": {}}
        self.disputes.append({**one, "status": "needs_response"})
        return self.disputes[-1]

    def confirm(self, number: str) -> None:
        """The buyer's browser pays."""
        intent = self.intents[number]
        intent.update(status="succeeded", amount_received=intent["amount"])

    def decline(self, number: str) -> None:
        """The buyer's bank says no; the buyer may try another card with the same secret."""
        self.intents[number].update(
            status="requires_payment_method",
            last_payment_error={"code": "card_declined", "type": "card_error"},
        )

    def event(self, kind: str, about: dict[str, Any], number: str = "evt_1") -> tuple[bytes, dict[str, str]]:
        """A webhook: body and headers, as Stripe signs them."""
        event = {"id": number, "object": "event", "type": kind, "data": {"object": about}}
        body, stamp = json.dumps(event).encode(), str(int(utc_now().timestamp()))
        signed = hmac.new(WEBHOOK_SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256)
        return body, {"Stripe-Signature": f"t={stamp},v1={signed.hexdigest()}"}


def _metadata(form: dict[str, Any]) -> dict[str, str]:
    return {
        name.removeprefix("metadata[").removesuffix("]"): str(value)
        for name, value in form.items()
        if name.startswith("metadata[")
    }


def _error(status: int, kind: str, code: str | None) -> web.Response:
    told = {"type": kind, "code": code, "message": "No, with the card 4242424242424242."}
    return web.json_response({"error": told}, status=status)


@asynccontextmanager
async def open_stand_in() -> AsyncIterator[StripeStandIn]:
    """The stand-in, while the block lasts."""
    stand_in = StripeStandIn()
    application = web.Application()
    application.router.add_route("*", "/v1/{rest:.*}", stand_in.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stand_in.port = runner.addresses[0][1]
    try:
        yield stand_in
    finally:
        await runner.cleanup()
