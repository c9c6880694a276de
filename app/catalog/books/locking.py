"""Holding a book for a change, of whatever part of it."""

from app.catalog.books.errors import no_book
from app.catalog.books.repository import BookRepository
from app.catalog.goods.service import ItemService
from app.catalog.models import Book, Item
from app.core.http.conditional import Precondition
from app.identity.principal import Principal


async def lock_book(
    items: ItemService, books: BookRepository, editor: Principal, book_id: int, precondition: Precondition
) -> tuple[Item, Book]:
    """The book with its item, held until the transaction ends. BookNotFound, NotYourItem, StaleVersion."""
    if await books.find(book_id) is None:
        raise no_book(book_id)
    item = await items.lock(editor, book_id, precondition)
    # As it is now that it is held: what was read before may have been edited since.
    book = await books.find(book_id)
    if book is None:
        raise no_book(book_id)
    return item, book
