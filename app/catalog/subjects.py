"""Subjects of books: codes of Thema, BISAC or the shop's own scheme."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from app.core.http.schemas import Line, RequestModel, ResponseModel, VisibleLine

MOST_SUBJECTS = 30


class SubjectScheme(StrEnum):
    """Whose code a subject is: Thema (EDItEUR), BISAC (BISG), or the shop's own."""

    THEMA = "thema"
    BISAC = "bisac"
    OWN = "own"


_SUBJECT_SHAPES = {
    SubjectScheme.THEMA: re.compile(r"[A-Z][A-Z0-9]{0,9}|[1-6][A-Z0-9-]{1,19}"),
    SubjectScheme.BISAC: re.compile(r"[A-Z]{3}[0-9]{6}"),
    SubjectScheme.OWN: re.compile(r"[A-Z0-9][A-Z0-9._-]{0,29}"),
}


def has_shape_of(scheme: SubjectScheme, code: str) -> bool:
    """Whether the code, in capitals, may be one of the scheme."""
    return _SUBJECT_SHAPES[scheme].fullmatch(code) is not None


class Subject(RequestModel):
    """What a book is about, as a code of a scheme; a code that begins with another one lies below it."""

    scheme: SubjectScheme = SubjectScheme.THEMA
    code: Annotated[Line, Field(max_length=30, examples=["FMB"]), AfterValidator(str.upper)]
    heading: Annotated[VisibleLine, Field(max_length=200)] | None = Field(
        default=None, examples=["Epic fantasy"]
    )

    @model_validator(mode="after")
    def _has_the_shape_of_its_scheme(self) -> Self:
        if not has_shape_of(self.scheme, self.code):
            raise ValueError(f"{self.code} is no code of the scheme {self.scheme.value}")
        return self


def _distinct_subjects(subjects: list[Subject]) -> list[Subject]:
    if len({(one.scheme, one.code) for one in subjects}) != len(subjects):
        raise ValueError("names a subject twice")
    return subjects


Subjects = Annotated[list[Subject], Field(max_length=MOST_SUBJECTS), AfterValidator(_distinct_subjects)]


class SubjectOut(ResponseModel):
    """A subject of a book."""

    scheme: SubjectScheme = Field(examples=["thema"])
    code: str = Field(examples=["FMB"])
    heading: str | None = Field(examples=["Epic fantasy"])
