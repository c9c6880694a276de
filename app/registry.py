"""Imports every module that registers something by being imported: models and constraint errors."""

from importlib import import_module

MODULES = (
    "app.core.audit",
    "app.core.events",
    "app.identity.models",
    "app.identity.errors",
    "app.catalog.models",
    "app.catalog.errors",
)


def load() -> None:
    """Import them all; a second call costs nothing."""
    for module in MODULES:
        import_module(module)
