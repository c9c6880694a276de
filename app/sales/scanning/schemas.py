"""What clients send of codes."""

from typing import Annotated

from pydantic import Field

from app.core.http.schemas import VisibleLine

Code = Annotated[
    VisibleLine,
    Field(
        max_length=100,
        description=(
            "An ISBN in any form, an EAN-13 with or without its add-on of five digits, a SKU in any case, "
            "or the number on the shop's own label of an item."
        ),
        examples=["9780261102217 51299"],
    ),
]
