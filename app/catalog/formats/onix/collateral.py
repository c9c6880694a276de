"""Block 2, collateral detail: the description that customers may read."""

from pydantic import TypeAdapter

from app.catalog.formats.onix import code_lists
from app.catalog.formats.onix.descriptions import description_of
from app.catalog.formats.onix.parsed import ParsedProduct
from app.catalog.formats.onix.parts import Part, date_in
from app.catalog.formats.onix.periods import period_of
from app.catalog.formats.onix.prices import Shop
from app.catalog.formats.onix.territories import territory_of
from app.catalog.formats.texts import FieldRefused, TextRule
from app.catalog.goods.schemas import Description
from app.catalog.languages import TWO_LETTERS

_description = TextRule(TypeAdapter(Description), is_single_line=False)


def read_collateral(block: Part, parsed: ParsedProduct) -> None:
    """Read the text that customers here may read today; the others, a longer one and one with markup stay raw.

    A description is taken before a short one, then a text for customers before one for everybody, then the longest.
    """
    parsed.values["description"] = None
    open_texts: list[tuple[tuple[int, bool, int], Part, Part]] = []
    restrictions: dict[str, None] = {}
    for content in block.all("TextContent"):
        kind, text = content.peek("TextType"), _text_in(content, parsed)
        if kind not in code_lists.DESCRIPTION_TYPES or text is None:
            continue
        if restriction := _restriction(content, parsed.message.shop):
            restrictions[restriction] = None
            continue
        is_for_everybody = code_lists.CUSTOMERS not in _audiences(content)
        merit = (code_lists.DESCRIPTION_TYPES.index(kind), is_for_everybody, -len(text.text))
        open_texts.append((merit, content, text))
    if open_texts:
        _, content, text = min(open_texts, key=lambda one: one[0])
        _take_description(content, text, parsed)
    elif restrictions:
        why = f"customers here may not read it today: {', '.join(restrictions)}"
        parsed.warn("description", FieldRefused(why, "not-for-customers"))


def _text_in(content: Part, parsed: ParsedProduct) -> Part | None:
    """The text in the book's own language where there are several, else the first that is one."""
    texts = [one for one in content.all("Text") if one.text]
    own = str(parsed.values.get("language") or "").partition("-")[0]
    in_own = (one for one in texts if own and _language_of(one) == own) if len(texts) > 1 else iter(())
    return next(in_own, next(iter(texts), None))


def _language_of(text: Part) -> str:
    stated = str(text.element.get("language") or "")
    return TWO_LETTERS.get(stated, stated)


def _take_description(content: Part, text: Part, parsed: ParsedProduct) -> None:
    description, is_whole = description_of(text.element)
    if not description or not parsed.put("description", _description, description):
        return
    if is_whole and content.peek("TextType") == code_lists.DESCRIPTION_TYPES[0]:
        content.use("TextType", "Text")
        content.use_if("ContentAudience", code_lists.ANYBODY)


def _audiences(content: Part) -> set[str]:
    return {one.text for one in content.all("ContentAudience")} or {code_lists.ANYBODY}


def _restriction(content: Part, shop: Shop) -> str:
    """Why a text stays inside; "" for one that customers here may read today."""
    audiences = _audiences(content)
    if code_lists.RESTRICTED in audiences or audiences.isdisjoint((code_lists.CUSTOMERS, code_lists.ANYBODY)):
        return f"it is for the audience {' '.join(sorted(audiences))[:60]}"
    for territory in content.all("Territory"):
        found = territory_of(territory)
        if found.width_at(shop.place) is None:
            return f"it is for {found}"
    for dated in content.all("ContentDate"):
        role = dated.peek("ContentDateRole")
        if role in code_lists.ABOUT_TEXT:
            continue
        try:
            period = period_of(role, *date_in(dated))
        except ValueError as reason:
            return f"it has a date that {reason}"
        if outside := period.outside(shop.today):
            return f"it {outside}"
    return ""
