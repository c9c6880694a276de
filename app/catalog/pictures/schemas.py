"""What clients see of covers."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from app.catalog.goods.pictures import CoverOut
from app.catalog.models import FetchState
from app.core.http.schemas import Line, RequestModel, ResponseModel, RowId, Timestamp, shaped

NAME_PATTERN = "[0-9a-f]{40}"


PictureName = Annotated[
    Line,
    *shaped(
        f"^{NAME_PATTERN}$",
        "must be the `upload` of an answer of POST /api/v1/uploads, or the `name` of a picture of the item",
    ),
    Field(
        description="As `POST /uploads` told it, not more than a day ago; or the name of a picture of the item, which moves it.",
        examples=["4be27711afd2ed40a7ad8c1d9e5dbd2203e805dc"],
    ),
]


class PictureReference(RequestModel):
    """A picture that was uploaded before, or that the item has already; or the address where one is."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"upload": "4be27711afd2ed40a7ad8c1d9e5dbd2203e805dc"}

    upload: PictureName | None = None
    url: (
        Annotated[
            Line,
            Field(
                description="HTTPS at port 443 of a public host. The worker fetches it: the answer is 202.",
                examples=["https://covers.example.org/9780261102217.jpg"],
            ),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.upload is None) == (self.url is None):
            raise ValueError("send either upload or url")
        return self


class FetchProblem(ResponseModel):
    """Why there is no picture; as in a problem."""

    code: str = Field(examples=["unsupported-picture"])
    detail: str = Field(examples=["This is no JPEG, PNG, WebP or AVIF picture."])


class PictureFetchOut(ResponseModel):
    """A picture that is fetched from elsewhere."""

    id: RowId = Field(examples=[17])
    item_id: RowId = Field(examples=[42])
    number: int = Field(description="Which of the item's pictures it becomes; 1 is the cover.", examples=[1])
    url: str = Field(examples=["https://covers.example.org/9780261102217.jpg"])
    state: FetchState
    tries: int = Field(examples=[1])
    problem: FetchProblem | None = Field(description="Of a failed one.", examples=[None])
    picture: str | None = Field(
        description="Of a done one: the picture's `name`.",
        examples=["4be27711afd2ed40a7ad8c1d9e5dbd2203e805dc"],
    )
    created_at: Timestamp
    done_at: Timestamp | None


class Attach(StrEnum):
    """What becomes of uploaded pictures."""

    NONE = "none"
    ISBN = "isbn"


class UploadStatus(StrEnum):
    """What became of one file."""

    STORED = "stored"
    REFUSED = "refused"


class UploadProblem(ResponseModel):
    """Why one file was refused; as in a problem."""

    status: int = Field(examples=[415])
    code: str = Field(examples=["unsupported-picture"])
    title: str = Field(examples=["No picture that can be used"])
    detail: str = Field(examples=["This is no JPEG, PNG, WebP or AVIF picture."])


class UploadResult(ResponseModel):
    """One file of several."""

    filename: str = Field(examples=["9780261102217.jpg"])
    status: UploadStatus = Field(examples=["stored"])
    upload: str | None = Field(
        default=None,
        description="For `PUT /books/{book_id}/cover`, within a day.",
        examples=["4be27711afd2ed40a7ad8c1d9e5dbd2203e805dc"],
    )
    cover: CoverOut | None = None
    book_id: int | None = Field(default=None, description="Whose cover it became.", examples=[42])
    problem: UploadProblem | None = None


class UploadsOut(ResponseModel):
    """What became of each file, in the order in which they came."""

    stored: int = Field(examples=[1])
    refused: int = Field(examples=[0])
    results: list[UploadResult]
