"""Which providers this shop takes, opened at their first use."""

from importlib import import_module
from typing import Any

from app.core.settings.settings import Settings
from app.sales.payments.errors import ProviderNotOffered
from app.sales.payments.fake import FakeProvider
from app.sales.payments.port import PaymentProvider
from app.sales.payments.repository import Transaction
from app.sales.payments.schemas import ProviderName

FAKE = ProviderName.FAKE.value
STRIPE = ProviderName.STRIPE.value


class Providers:
    """The providers of one process, or of one event in the worker."""

    def __init__(self, settings: Settings, transaction: Transaction) -> None:
        self._settings = settings
        self._transaction = transaction
        self._opened: dict[str, PaymentProvider] = {}

    def get(self, name: str) -> PaymentProvider:
        """The provider of this name. Raises ProviderNotOffered."""
        if name not in self._opened:
            if not self.is_offered(name):
                raise ProviderNotOffered(f"This shop takes no payments by {name}.")
            self._opened[name] = self._open(name)
        return self._opened[name]

    def is_offered(self, name: str) -> bool:
        """Whether the settings say that the shop takes it."""
        stripe = self._settings.stripe
        return {
            FAKE: self._settings.takes_fake_payments,
            STRIPE: bool(stripe.secret_key and stripe.webhook_secret),
        }.get(name, False)

    async def aclose(self) -> None:
        """Close what was opened."""
        for provider in self._opened.values():
            await provider.close()

    def _open(self, name: str) -> PaymentProvider:
        settings = self._settings
        if name == FAKE:
            secret = settings.jwt.secret.get_secret_value()
            return FakeProvider(self._transaction, secret, settings.payments.fake_delay)
        # The SDK and its HTTP client take 40 MB, which no process pays that takes no payments by it.
        module: Any = import_module("app.sales.payments.stripe")
        provider: PaymentProvider = module.StripeProvider(settings.stripe, settings.payments.timeout)
        return provider
