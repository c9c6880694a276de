"""SQL of synonyms and of the rules by which queries are rewritten."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Text,
    cast,
    column,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Synonym, SynonymRule


class SynonymRepository:
    """Writes synonyms, and the rules that searches follow."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, synonym: Synonym) -> None:
        """Insert the synonym, so that its id is known."""
        self._session.add(synonym)
        await self._session.flush()

    async def lock(self, synonym_id: int) -> Synonym | None:
        """Lock the synonym against other writers until the transaction ends."""
        return await self._session.get(Synonym, synonym_id, with_for_update=True)

    async def delete(self, synonym: Synonym) -> None:
        """Delete the synonym with its rules."""
        await self._session.execute(delete(Synonym).where(Synonym.id == synonym.id))

    async def list_normal_forms(self, terms: Sequence[str]) -> Sequence[str]:
        """The terms as searches see them, in the same order."""
        term = _numbered(terms)
        statement = select(func.search_text(term.c.text)).select_from(term).order_by(term.c.position)
        return (await self._session.scalars(statement)).all()

    async def set_rules(self, synonym: Synonym) -> None:
        """Write the rules anew: a term finds itself, and `finds` or the other terms as phrases."""
        await self._session.flush()
        await self._session.execute(delete(SynonymRule).where(SynonymRule.synonym_id == synonym.id))
        term, other = _numbered(synonym.terms), _numbered(synonym.finds or synonym.terms, "others")
        phrase = cast(func.phraseto_tsquery("simple", func.search_text(other.c.text)), Text)
        others = (
            select(func.string_agg(func.concat("(", phrase, ")"), " | "))
            .select_from(other)
            .where(func.search_text(other.c.text) != func.search_text(term.c.text))
            .correlate(term)
            .scalar_subquery()
        )
        rules = select(
            cast(synonym.id, SynonymRule.synonym_id.type),
            cast(term.c.position, SynonymRule.position.type),
            func.plainto_tsquery("simple", func.search_text(term.c.text)),
            cast(others, TSQUERY),
        ).select_from(term)
        columns = ["synonym_id", "position", "searched", "finds"]
        await self._session.execute(
            insert(SynonymRule).from_select(columns, rules.where(others.is_not(None)))
        )


def _numbered(terms: Sequence[str], name: str = "terms") -> Any:
    return (
        func.unnest(cast(list(terms), ARRAY(Text)))
        .table_valued(column("text", Text), with_ordinality="position")
        .render_derived(name=name)
    )
