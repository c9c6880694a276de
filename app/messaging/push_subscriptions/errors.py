"""Refusals around push messages."""

from app.core.errors import AppError


class PushNotOffered(AppError):
    """The shop has no key for push messages (`PUSH_PRIVATE_KEY`)."""

    status = 404
    code = "push-not-offered"
    title = "There are no push messages"


class PushSubscriptionNotFound(AppError):
    """The caller has no such subscription; another account's is not found either."""

    status = 404
    code = "push-subscription-not-found"
    title = "Push subscription not found"


class PushEndpointRefused(AppError):
    """Push services are at `https://` addresses at port 443 whose host has a name."""

    status = 422
    code = "push-endpoint-refused"
    title = "The endpoint may not be called"


class PushSubscriptionTaken(AppError):
    """Another account has this endpoint, with other keys than were sent."""

    status = 409
    code = "push-subscription-taken"
    title = "The subscription belongs to somebody else"


class TooManyPushSubscriptions(AppError):
    """The account has as many subscriptions as it may have."""

    status = 409
    code = "too-many-push-subscriptions"
    title = "Too many push subscriptions"


def no_subscription(subscription_id: int) -> PushSubscriptionNotFound:
    """The refusal of an id that no subscription of the account has."""
    return PushSubscriptionNotFound(f"You have no push subscription {subscription_id}.")
