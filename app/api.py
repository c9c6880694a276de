"""The list of routers, a line each: the busiest first, since routes are matched in order."""

from fastapi import APIRouter

from app.catalog.authors.router import router as authors
from app.catalog.books.router import router as books
from app.catalog.categories.router import router as categories
from app.catalog.items.router import router as items
from app.identity.accounts.router import router as accounts
from app.identity.sessions.router import router as sessions
from app.ops.health import router as health
from app.ops.info import router as info
from app.ops.metrics import router as metrics

ROUTERS: tuple[APIRouter, ...] = (
    accounts,
    books,
    items,
    authors,
    categories,
    sessions,
    health,
    metrics,
    info,
)

PUBLIC_ROUTES = frozenset(
    {
        "list_books",
        "get_book",
        "get_book_by_isbn",
        "list_items",
        "get_item",
        "list_authors",
        "get_author",
        "list_author_books",
        "list_categories",
        "get_category",
        "list_category_books",
        "register_user",
        "create_token",
        "get_liveness",
        "get_readiness",
        "get_health",
        "get_metrics",
        "get_version",
        "list_problems",
        "get_problem",
    }
)
"""Operations that anyone may call. Every other one must name a principal: a test walks all routes."""
