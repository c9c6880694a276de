"""Imports every module that registers something by being imported: models and constraint errors."""

from importlib import import_module

MODULES = (
    "app.core.audit",
    "app.core.events",
    "app.core.jobs",
    "app.identity.models",
    "app.identity.errors",
    "app.identity.retention.jobs",
    "app.catalog.models",
    "app.catalog.errors",
    "app.messaging.email.models",
    "app.messaging.email.delivery",
    "app.messaging.handlers",
)


def load() -> None:
    """Import them all; a second call costs nothing."""
    for module in MODULES:
        import_module(module)
