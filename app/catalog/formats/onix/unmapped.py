"""The parts of a product that the catalogue has no field for, kept as XML by block."""

import json

from lxml import etree

from app.catalog.formats.onix.parts import Part

MOST_CHARACTERS = 64 * 1024
"""Of one product; what goes beyond is left out, and counted in a comment."""


def unmapped_parts(product: Part, blocks: frozenset[str]) -> dict[str, str]:
    """Block → XML of its elements that were not understood altogether; elements outside a block under `Product`."""
    kept: dict[str, list[str]] = {"Product": []}
    left_out, size = 0, 0
    for child in product.children:
        is_block = child.name in blocks
        name = child.name if is_block else "Product"
        kept.setdefault(name, [])
        for part in child.children if is_block else [child]:
            if part.is_understood():
                continue
            xml = etree.tostring(part.element, encoding="unicode", with_tail=False)
            if size + len(xml) > MOST_CHARACTERS:
                left_out += 1
                continue
            size += len(xml)
            kept[name].append(xml)
    if left_out:
        kept["Product"].append(f"<!-- {left_out} more left out: larger than {MOST_CHARACTERS} characters -->")
    return {name: "".join(pieces) for name, pieces in kept.items()}


def as_json(parts: dict[str, str], *, is_full_record: bool) -> str | None:
    """The parts as a JSON object; None where there is nothing to keep. An update keeps empty blocks: they replace."""
    if is_full_record:
        parts = {name: xml for name, xml in parts.items() if xml}
    return json.dumps(parts, ensure_ascii=False) if parts else None
