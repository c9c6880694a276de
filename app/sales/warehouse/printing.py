"""Labels and pick lists, put into words and set as PDF."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from app.core.clock import utc_now
from app.core.pdf import make_pdf
from app.sales.invoices.contents import address_lines, customer_of
from app.sales.scanning.codes import in_store_code
from app.sales.warehouse.ean13 import bars
from app.sales.warehouse.queries import Labelled, Picked, PickedOrder

_LABELS = Path(__file__).with_name("labels.typ")
_PICK_LIST = Path(__file__).with_name("pick_list.typ")


async def print_labels(items: Sequence[Labelled]) -> bytes:
    """A label for each."""
    return await make_pdf(_LABELS, {"labels": [_label(item) for item in items]}, utc_now())


async def print_pick_list(order: PickedOrder, parts: Sequence[Picked]) -> bytes:
    """What is to be packed, with a box to tick for each line."""
    shipping = order.shipping_option or {}
    facts = [
        ("Ordered", f"{order.created_at:%Y-%m-%d %H:%M} UTC"),
        ("Shipping", str(shipping.get("name") or shipping.get("code") or "none")),
        ("Payment", order.payment_status.replace("_", " ")),
        ("Pieces", str(sum(part.quantity for part in parts))),
    ]
    words = {
        "heading": f"Pick list {order.number}",
        "address": address_lines(customer_of(order.address)),
        "facts": facts,
        "items": [
            {
                "quantity": str(part.quantity),
                "title": part.title,
                "code": " · ".join(code for code in (part.isbn, part.sku) if code),
            }
            for part in parts
        ],
        "notes": order.notes or "",
    }
    return await make_pdf(_PICK_LIST, words, utc_now())


def _label(item: Labelled) -> Mapping[str, object]:
    code = item.isbn13 or in_store_code(item.id)
    return {
        "title": item.title,
        "detail": item.sku or "",
        "price": "" if item.price is None else f"{item.price:,.2f} {item.currency}",
        "code": code,
        "bars": [list(bar) for bar in bars(code)],
    }
