"""Imports every module that registers something by being imported: models, constraint errors, handlers."""

from importlib import import_module

MODULES = (
    "app.core.audit",
    "app.core.db.idempotency_keys",
    "app.core.events.events",
    "app.core.events.feed",
    "app.core.events.jobs",
    "app.identity.models",
    "app.identity.errors",
    "app.identity.passkeys.errors",
    "app.catalog.models",
    "app.catalog.goods.errors",
    "app.catalog.authors.errors",
    "app.catalog.works.errors",
    "app.catalog.series.errors",
    "app.catalog.categories.errors",
    "app.catalog.books.errors",
    "app.catalog.prices.errors",
    "app.sales.models",
    "app.sales.cart.service",
    "app.sales.addresses.errors",
    "app.sales.bills.errors",
    "app.sales.discounts.errors",
    "app.sales.payments.errors",
    "app.sales.shipping.errors",
    "app.sales.taxes.errors",
    "app.messaging.email.models",
    "app.messaging.support.models",
    "app.messaging.newsletter.models",
    "app.messaging.alerts.models",
    "app.admin.stats.models",
    "app.admin.reports.models",
    "app.messaging.notifications.models",
    "app.messaging.push_subscriptions.ending",
    "app.messaging.push_subscriptions.models",
    "app.messaging.suppressions.errors",
    "app.messaging.webhooks.ending",
    "app.messaging.webhooks.models",
    "app.admin.stats.goods.models",
    "app.messaging.follows.errors",
    "app.messaging.follows.models",
    "app.ops.backups.models",
)
HANDLERS = (
    "app.catalog.pictures.handlers",
    "app.catalog.pictures.jobs",
    "app.catalog.documents.jobs",
    "app.catalog.prices.jobs",
    "app.catalog.search.zero_results.jobs",
    "app.catalog.views.jobs",
    "app.catalog.imports.handlers",
    "app.catalog.imports.jobs",
    "app.sales.cart.jobs",
    "app.sales.inventory.jobs",
    "app.sales.bills.handlers",
    "app.sales.invoices.handlers",
    "app.sales.offers.handlers",
    "app.sales.orders.handlers",
    "app.sales.payments.handlers",
    "app.sales.payments.jobs",
    "app.sales.orders.jobs",
    "app.sales.refunds.handlers",
    "app.sales.refunds.jobs",
    "app.sales.bestsellers.jobs",
    "app.identity.jobs",
    "app.admin.stats.jobs",
    "app.admin.reports.handlers",
    "app.admin.reports.jobs",
    "app.admin.stats.goods.jobs",
    "app.messaging.email.delivery",
    "app.messaging.handlers",
    "app.messaging.newsletter.handlers",
    "app.messaging.newsletter.issues.handlers",
    "app.messaging.alerts.handlers",
    "app.messaging.notifications.delivery",
    "app.messaging.notifications.handlers",
    "app.messaging.webhooks.handlers",
    "app.messaging.webhooks.jobs",
    "app.messaging.follows.handlers",
    "app.messaging.staff_notes.handlers",
    "app.ops.backups.jobs",
)
"""What only the worker runs, and only the worker pays the memory for."""


def load() -> None:
    """Import what every process needs; a second call costs nothing."""
    for module in MODULES:
        import_module(module)


def load_handlers() -> None:
    """Import everything, as the worker does."""
    load()
    for module in HANDLERS:
        import_module(module)
