"""Refusals around webhooks."""

from app.core.errors import AppError


class WebhookNotFound(AppError):
    """The caller has no such webhook; another account's is not found either."""

    status = 404
    code = "webhook-not-found"
    title = "Webhook not found"


class WebhookDeliveryNotFound(AppError):
    """The webhook has no such delivery; those of 30 days ago are gone."""

    status = 404
    code = "webhook-delivery-not-found"
    title = "Delivery not found"


class WebhookUrlRefused(AppError):
    """The shop calls `https://` addresses at port 443 whose host has a name, and nothing else."""

    status = 422
    code = "webhook-url-refused"
    title = "The URL may not be called"


class TooManyWebhooks(AppError):
    """The account has as many webhooks as it may have."""

    status = 409
    code = "too-many-webhooks"
    title = "Too many webhooks"


class WebhookIsDisabled(AppError):
    """Nothing is sent to a webhook that is disabled: enable it first (`PATCH {"is_enabled": true}`)."""

    status = 409
    code = "webhook-disabled"
    title = "The webhook is disabled"


class ReplayTooLarge(AppError):
    """More events than one replay sends lie in the window: name a shorter one."""

    status = 409
    code = "replay-too-large"
    title = "Too many events to replay"


def no_webhook(webhook_id: int) -> WebhookNotFound:
    """The refusal of an id that no webhook of the account has."""
    return WebhookNotFound(f"You have no webhook {webhook_id}.")


def no_delivery(delivery_id: int) -> WebhookDeliveryNotFound:
    """The refusal of an id that no delivery of the webhook has."""
    return WebhookDeliveryNotFound(f"The webhook has no delivery {delivery_id}.")
