"""Refusals about addresses."""

from app.core.errors import AppError, on_constraint


class AddressNotFound(AppError):
    """The caller has no such address; another account's address is not found either."""

    status = 404
    code = "address-not-found"
    title = "Address not found"


class InvalidAddress(AppError):
    """With the change the address would not be one of its country, or for shipping and a PO box."""

    status = 422
    code = "invalid-address"
    title = "Not an address"


class TooManyAddresses(AppError):
    """The account has as many addresses as it may have."""

    status = 409
    code = "too-many-addresses"
    title = "Too many addresses"


class PrimaryAddressTaken(AppError):
    """Another request made another address the primary one at the same moment; repeat yours."""

    status = 409
    code = "primary-address-taken"
    title = "Another address became the primary one"


def no_address(address_id: int) -> AddressNotFound:
    """The refusal of an id that no address of the account has."""
    return AddressNotFound(f"You have no address {address_id}.")


on_constraint(
    "uq_addresses_primary",
    PrimaryAddressTaken,
    "is_primary",
    "Another address became the primary one at the same moment.",
)
