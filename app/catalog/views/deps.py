"""What a client asks to see of one book, read from the query."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.catalog.views.schemas import BookView, Expansion

_WHOLE = BookView()

VIEW_PARAMETERS = {
    "parameters": [
        {
            "name": "fields",
            "in": "query",
            "required": False,
            "schema": {"type": "string", "examples": ["title,price"]},
            "description": BookView.model_fields["fields"].description,
        },
        {
            "name": "expand",
            "in": "query",
            "required": False,
            "schema": {"type": "string", "examples": [",".join(Expansion)]},
            "description": f"Comma-separated: what to show in full, of {', '.join(Expansion)}.",
        },
    ]
}
"""For the document: the query is not declared, since a declared one is parsed also where there is none."""


async def get_book_view(request: Request) -> BookView:
    """`fields` and `expand`; any other parameter is refused."""
    if not request.scope["query_string"]:
        return _WHOLE
    try:
        return BookView.model_validate(dict(request.query_params))
    except ValidationError as error:
        problems = [{**problem, "loc": ("query", *problem["loc"])} for problem in error.errors()]
        raise RequestValidationError(problems) from None


BookViewDep = Annotated[BookView, Depends(get_book_view)]
