"""A client of the bookstore: log in, search, page by cursor, create, change with If-Match, tell refusals apart."""

import secrets
import sys

from bookstore_client.api.books import change_book, create_book, delete_book, get_book, list_books
from bookstore_client.api.search import search_books
from bookstore_client.api.sessions import create_token
from bookstore_client.client import AuthenticatedClient, Client
from bookstore_client.models import (
    BookIn,
    BookPatch,
    ExpandedBookPage,
    IsbnTakenProblem,
    MfaRequiredProblem,
    OwnBook,
    SearchPage,
    SkuTakenProblem,
    StaleVersionProblem,
    TokenForm,
    TokenOut,
    ValidationProblem,
)
from bookstore_client.types import UNSET, Unset

BASE_URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"


def log_in(username: str, password: str) -> AuthenticatedClient:
    """Trade user name and password for a token, and make a client that sends it."""
    form = TokenForm(username=username, password=password)
    answer = create_token.sync(client=Client(base_url=BASE_URL), body=form)
    if isinstance(answer, MfaRequiredProblem):
        sys.exit(f"Send {answer.mfa_token} to /api/v1/auth/mfa, with a code.")
    if not isinstance(answer, TokenOut):
        sys.exit(str(answer))
    return AuthenticatedClient(base_url=BASE_URL, token=answer.access_token)


def search(client: AuthenticatedClient, words: str) -> None:
    """Print the first books that the words find."""
    page = search_books.sync(client=client, q=words, limit=3)
    if not isinstance(page, SearchPage):
        sys.exit(str(page))
    meant = f" (did you mean {page.did_you_mean}?)" if page.did_you_mean else ""
    print(f'"{words}"{meant}: {page.total} books')
    for book in page.items:
        print(f"  {book.id}: {book.title}, {book.author or 'anonymous'}")


def page_by_cursor(client: AuthenticatedClient, pages: int) -> int:
    """Count the books of the first pages; a cursor is steady while books come and go."""
    seen, cursor = 0, UNSET
    following: str | Unset = cursor
    for _ in range(pages):
        page = list_books.sync(client=client, limit=50, cursor=following)
        # Without `fields=` books are whole: the page is no PartialBookPage.
        if not isinstance(page, ExpandedBookPage):
            sys.exit(str(page))
        seen += len(page.items)
        if page.next_cursor is None:
            break
        following = page.next_cursor
    return seen


def create(client: AuthenticatedClient, sku: str) -> OwnBook | None:
    """List a book for sale; None if the shop refuses it for a reason that is told."""
    body = BookIn(title="The Mabinogion", author="Sioned Davies", price=9.99, quantity=3, sku=sku)
    answer = create_book.sync(client=client, body=body)
    match answer:
        case OwnBook():
            print(f"created book {answer.id}")
            return answer
        case SkuTakenProblem() | IsbnTakenProblem():
            print(f"{answer.status}: {answer.detail}")
            return None
        case _:
            sys.exit(str(answer))


def change(client: AuthenticatedClient, book_id: int, tag: str, price: float) -> str:
    """Change the price of the version that was read; after 412 read again and change that. Give the new tag."""
    answer = change_book.sync_detailed(book_id, client=client, body=BookPatch(price=price), if_match=tag)
    if isinstance(answer.parsed, StaleVersionProblem):
        print(
            f"{answer.parsed.status}: it is at version {answer.parsed.current_version} now; read and change again"
        )
        again = get_book.sync_detailed(book_id, client=client)
        return change(client, book_id, again.headers["ETag"], price)
    if not isinstance(answer.parsed, OwnBook):
        sys.exit(str(answer.parsed))
    return answer.headers["ETag"]


def main() -> None:
    """Do all of it, and leave the shop as it was."""
    client = log_in("demo_seller", "Bookstore-demo-1!")
    search(client, "harry poter")
    print(f"{page_by_cursor(client, 3)} books on three pages")
    sku = f"PY-{secrets.randbelow(10**8):08}"
    book = create(client, sku)
    if book is None:
        sys.exit("nothing was created")
    create(client, sku)  # 409: the SKU is taken.
    refused = create_book.sync(client=client, body=BookIn(title=" ", price=-1))
    if not isinstance(refused, ValidationProblem):
        sys.exit("422 was expected")
    print(f"{refused.status}: " + "; ".join(f"{error.field} {error.message}" for error in refused.errors))
    change(client, book.id, f'"{book.version}"', 8.5)
    change(client, book.id, f'"{book.version}"', 7.5)  # 412 first: the tag is stale.
    gone = delete_book.sync_detailed(book.id, client=client)
    if gone.status_code.value != 204:
        sys.exit(str(gone.parsed))
    print("done")


if __name__ == "__main__":
    main()
