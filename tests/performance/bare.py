"""What our routes are measured against: the same answers from routes with nothing around them."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import orjson
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.catalog.books.schemas import BookOut
from app.core.db.paging import Page
from app.identity.accounts.schemas import UserOut

_COLUMNS = "id, kind, sku, title, description, price::float8 AS price, currency, tags, owner_id, version"


def create_fastapi() -> FastAPI:
    """Bare FastAPI routes that return models, written as anyone would; each model is built once."""
    samples = Path(os.environ["BENCH_SAMPLES"])
    book = BookOut.model_validate_json((samples / "book.json").read_bytes())
    page = Page[BookOut].model_validate_json((samples / "page.json").read_bytes())
    # The model reads an account's row, where all ways of notification stand under one name.
    account = orjson.loads((samples / "user.json").read_bytes())
    user = UserOut.model_validate(account | {"notifications": account["notification_ways"]})
    app = FastAPI()

    @app.get("/books/{book_id}")
    async def get_book(book_id: int) -> BookOut:
        del book_id
        return book

    @app.get("/books")
    async def list_books(limit: int = 20) -> Page[BookOut]:
        del limit
        return page

    @app.get("/users/{user_id}")
    async def get_user(user_id: int) -> UserOut:
        del user_id
        return user

    return app


def create_starlette() -> Starlette:
    """A bare Starlette route that reads one row by its primary key through a pool of asyncpg."""
    dsn = os.environ["DATABASE_URL"].replace("+asyncpg", "")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(dsn, min_size=8, max_size=8) as pool:
            app.state.pool = pool
            yield

    async def get_item(request: Request) -> JSONResponse:
        row = await request.app.state.pool.fetchrow(
            f"SELECT {_COLUMNS} FROM items WHERE id = $1",  # noqa: S608 - a constant of this module
            request.path_params["item_id"],
        )
        return JSONResponse(dict(row))

    return Starlette(routes=[Route("/items/{item_id:int}", get_item)], lifespan=lifespan)
