"""Every POST honours `Idempotency-Key`, or stands here because nothing is there twice when it is sent twice."""

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.core.http.idempotency import HonourKey, IdempotentRoute
from tests.contract.test_routes import ROUTES

CREATES_NOTHING = {
    # Tokens and cookies: an answer with them is never stored; a refresh has its own grace.
    "create_token",
    "log_in_browser",
    "refresh_token",
    "finish_login",
    "begin_passkey_login",
    "finish_passkey_login",
    "create_stream_ticket",
    # Ends or proves something: the second time it is ended or proven.
    "log_out",
    "log_out_everywhere",
    "revoke_token",
    "change_password",
    "verify_email",
    "reset_password",
    "disable_totp",
    "activate_user",
    "deactivate_user",
    "unlock_user",
    "end_user_sessions",
    "undo_merge",
    "cancel_import",
    "retry_import",
    "revert_import",
    "step_up",
    "stop_email_change",
    "confirm_payment",
    "confirm_newsletter",
    "confirm_alert",
    "end_alert",
    "unsubscribe_from_newsletter",
    "unsubscribe_from_follows",
    "approve_return",
    "reject_return",
    "receive_return",
    # Read is read.
    "mark_notification_read",
    "mark_all_notifications_read",
    # What is taken out of the dead letters is not in them any more.
    "retry_dead_letter",
    "retry_dead_letters",
    "discard_dead_letter",
    # Stored by the event's own id.
    "receive_payment_webhook",
    # Suppressed once or twice, the address is suppressed.
    "receive_bounce",
    # Set anew, it is as it was.
    "set_cart_coupon",
    # Asks, and nothing is kept.
    "quote_checkout",
    "scan_code",
    "introspect_token",
    "get_gift_card_balance",
    "judge_password",
    "begin_passkey_registration",
}


def is_idempotent(route: APIRoute) -> bool:
    return isinstance(route, IdempotentRoute) and route.is_idempotent


def forgotten(routes: list[APIRoute]) -> set[str]:
    posts = [route for route in routes if "POST" in (route.methods or ())]
    return {route.name for route in posts if not is_idempotent(route)}


def test_every_post_that_creates_honours_idempotency_keys() -> None:
    assert forgotten(ROUTES) == CREATES_NOTHING


def test_nothing_with_201_is_excused() -> None:
    assert not [route.name for route in ROUTES if route.status_code == 201 and not is_idempotent(route)]


def test_a_creating_post_that_forgets_the_key_would_be_noticed() -> None:
    async def create_leak() -> None:
        """Make a thing."""

    assert forgotten([*ROUTES, APIRoute("/leaks", create_leak, methods=["POST"])]) - CREATES_NOTHING == {
        "create_leak"
    }


def test_the_dependency_without_its_route_class_would_be_noticed() -> None:
    declared = {
        route.name
        for route in ROUTES
        if any(isinstance(each.call, HonourKey) for each in route.dependant.dependencies)
    }
    assert declared == {route.name for route in ROUTES if is_idempotent(route)}


def test_the_key_is_claimed_after_every_other_dependency() -> None:
    for route in ROUTES:
        if is_idempotent(route):
            *others, last = route.dependant.dependencies
            assert isinstance(last.call, HonourKey), route.name
            assert not any(isinstance(each.call, HonourKey) for each in others), route.name


async def test_it_is_documented(app: FastAPI) -> None:
    for route in ROUTES:
        if not is_idempotent(route):
            continue
        operation = app.openapi()["paths"][route.path_format]["post"]
        header = next(each for each in operation["parameters"] if each["name"] == "Idempotency-Key")
        assert (header["in"], header["required"]) == ("header", False), route.name
        assert header["description"], route.name
        assert "examples" in header or "examples" in header["schema"], route.name
        success = operation["responses"][str(route.status_code or 200)]
        assert success["headers"]["Idempotent-Replayed"]["description"], route.name
        assert success["description"], route.name
        refusals = {
            code
            for status in ("409", "422")
            for code in operation["responses"][status]["content"]["application/problem+json"]["examples"]
        }
        assert {"idempotency-key-in-use", "idempotency-key-reused"} <= refusals, route.name
