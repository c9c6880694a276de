"""What clients send and see of addresses."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from app.core.db.paging import ListQuery
from app.core.http.schemas import (
    OMITTED,
    Line,
    PatchModel,
    RequestModel,
    ResponseModel,
    RowId,
    Timestamp,
    VisibleLine,
)
from app.identity.accounts.profile_fields import as_e164
from app.sales.addresses.places import (
    UNITED_STATES,
    check_country,
    check_state,
    check_zip_code,
    title_city,
)
from app.sales.addresses.po_boxes import is_po_box


class AddressType(StrEnum):
    """What an address is for. One for shipping is no PO box."""

    HOME = "home"
    WORK = "work"
    BILLING = "billing"
    SHIPPING = "shipping"


def _blank_is_none(text: object) -> object:
    return None if isinstance(text, str) and not text.strip() else text


BlankIsNone = BeforeValidator(_blank_is_none)
FullName = Annotated[VisibleLine, Field(max_length=200, examples=["Ada Lovelace"])]
StreetLine = Annotated[VisibleLine, Field(max_length=200, examples=["1 Market Street"])]
City = Annotated[
    VisibleLine,
    Field(
        max_length=100,
        description="In title case where it was typed in one case.",
        examples=["San Francisco"],
    ),
    AfterValidator(title_city),
]
Country = Annotated[
    Line,
    Field(min_length=2, max_length=2, description="ISO 3166-1, two letters.", examples=["US"]),
    AfterValidator(check_country),
]
State = Annotated[
    VisibleLine,
    Field(
        max_length=100,
        description="By name or code. US: a state, DC, PR, VI, GU, AS or MP. Needed where the country has them.",
        examples=["CA"],
    ),
]
ZipCode = Annotated[
    VisibleLine,
    Field(
        max_length=20,
        description="US: five digits, or nine as 12345-6789. Needed where the country has them.",
        examples=["94105"],
    ),
]
Phone = Annotated[
    Line,
    Field(
        max_length=40,
        description="International, or as within the address's country; kept in E.164.",
        examples=["+14155550123"],
    ),
]
IsPrimary = Annotated[
    bool,
    Field(
        description="true: the account's primary address from now on, instead of another one. false changes nothing.",
        examples=[True],
    ),
]


class Address(ResponseModel):
    """Where somebody is, as orders keep it."""

    full_name: str = Field(examples=["Ada Lovelace"])
    street_line_1: str = Field(examples=["1 Market Street"])
    street_line_2: str | None = Field(examples=["Apt. 4"])
    city: str = Field(examples=["San Francisco"])
    state: str | None = Field(
        description="Its code where the country has codes, such as CA; else as it was typed.", examples=["CA"]
    )
    zip_code: str | None = Field(examples=["94105"])
    country: str = Field(description="ISO 3166-1, two letters.", examples=["US"])
    phone: str | None = Field(description="In E.164.", examples=["+14155550123"])
    address_type: AddressType
    is_primary: bool = False

    @property
    def is_po_box(self) -> bool:
        """Whether either street line names a PO box."""
        return is_po_box(self.street_line_1, self.street_line_2)


class AddressIn(RequestModel):
    """An address, complete. What the country asks for is checked: states, postal codes, and which of them it needs."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "full_name": "Ada Lovelace",
        "street_line_1": "1 Market Street",
        "street_line_2": "Apt. 4",
        "city": "San Francisco",
        "state": "CA",
        "zip_code": "94105",
        "country": "US",
        "phone": "+14155550123",
        "address_type": "home",
    }

    # The rules of the later fields look at these two.
    country: Country = UNITED_STATES
    address_type: AddressType = AddressType.HOME
    full_name: FullName
    street_line_1: StreetLine
    street_line_2: Annotated[StreetLine | None, BlankIsNone] = Field(default=None, examples=["Apt. 4"])
    city: City
    state: Annotated[State | None, BlankIsNone] = Field(default=None, validate_default=True)
    zip_code: Annotated[ZipCode | None, BlankIsNone] = Field(default=None, validate_default=True)
    phone: Annotated[Phone | None, BlankIsNone] = None
    is_primary: IsPrimary = False

    @field_validator("street_line_1", "street_line_2")
    @classmethod
    def _is_a_street(cls, line: str | None, info: ValidationInfo) -> str | None:
        ships = info.data.get("address_type") is AddressType.SHIPPING
        if ships and is_po_box(info.data.get("street_line_1"), line):
            raise PydanticCustomError("po_box", "must not be a PO box: parcels need a street")
        return line

    @field_validator("state")
    @classmethod
    def _is_of_the_country(cls, state: str | None, info: ValidationInfo) -> str | None:
        return check_state(info.data["country"], state) if "country" in info.data else state

    @field_validator("zip_code")
    @classmethod
    def _fits_the_country(cls, zip_code: str | None, info: ValidationInfo) -> str | None:
        return check_zip_code(info.data["country"], zip_code) if "country" in info.data else zip_code

    @field_validator("phone")
    @classmethod
    def _is_a_number(cls, phone: str | None, info: ValidationInfo) -> str | None:
        return phone if phone is None else as_e164(phone, info.data.get("country"))

    def to_address(self) -> Address:
        """The address as orders keep it."""
        return Address.model_validate(self)


class AddressPatch(PatchModel):
    """A change of an address; what it makes of the address is checked as a whole."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"street_line_1": "2 Market Street", "is_primary": True}

    country: Country = OMITTED
    address_type: AddressType = OMITTED
    full_name: FullName = OMITTED
    street_line_1: StreetLine = OMITTED
    street_line_2: Annotated[StreetLine | None, BlankIsNone] = None
    city: City = OMITTED
    state: Annotated[State | None, BlankIsNone] = None
    zip_code: Annotated[ZipCode | None, BlankIsNone] = None
    phone: Annotated[Phone | None, BlankIsNone] = None
    is_primary: IsPrimary = OMITTED


class ShippingAddressIn(AddressIn):
    """An address that a parcel can be sent to: no PO box, in whatever spelling."""

    @field_validator("street_line_1", "street_line_2")
    @classmethod
    def _is_a_street(cls, line: str | None, info: ValidationInfo) -> str | None:
        if is_po_box(info.data.get("street_line_1"), line):
            raise PydanticCustomError("po_box", "must not be a PO box: parcels need a street")
        return line


class AddressOut(Address):
    """An address of one's own book."""

    id: RowId = Field(examples=[5])
    is_primary: bool = Field(description="The one to start with; an account with addresses has exactly one.")
    version: int = Field(description="Row version, as in the ETag; raised by every edit.", examples=[1])
    created_at: Timestamp
    updated_at: Timestamp


class AddressFilter(ListQuery):
    """Which part of the list to show."""
