"""Refusals about tax rates."""

from app.core.errors import AppError, on_constraint


class TaxRateNotFound(AppError):
    """There is no tax rate with this id."""

    status = 404
    code = "tax-rate-not-found"
    title = "Tax rate not found"


class TaxRatesOverlap(AppError):
    """Another rate of that place and class is in force on some of those days; end it first."""

    status = 409
    code = "tax-rates-overlap"
    title = "Tax rates overlap"


class TaxRateNeverValid(AppError):
    """A rate's last day may not lie before its first."""

    status = 422
    code = "tax-rate-never-valid"
    title = "The tax rate would never be in force"


def no_tax_rate(rate_id: int) -> TaxRateNotFound:
    """The refusal of an id that no rate has."""
    return TaxRateNotFound(f"There is no tax rate {rate_id}.")


on_constraint(
    "ex_tax_rates_overlap",
    TaxRatesOverlap,
    "valid_from",
    "Another rate of that place and class is in force on some of those days.",
)
on_constraint(
    "ck_tax_rates_ends_after_start",
    TaxRateNeverValid,
    "valid_until",
    "The last day must not lie before the first.",
)
