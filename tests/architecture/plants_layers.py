"""Planted breaches of the rules on layers, transactions, errors and SQL, and their near misses."""

from .planting import Breaks, Keeps, Plant

_ERRORS = "app/catalog/errors.py"
_SERVICE = "app/catalog/books/service.py"
_ROUTER = "app/catalog/books/router.py"
_REPOSITORY = "app/catalog/books/repository.py"
_MODELS = "app/catalog/models.py"

_LEAF = """\
from app.core.errors import AppError

class BookNotFound(AppError):
    status = 404
    code = "book-not-found"
    title = "No such book"
"""


def _leaf(old: str, new: str) -> str:
    return _LEAF.replace(old, new)


LAYERS: tuple[Plant, ...] = (
    Breaks(
        "layers_point_downwards",
        _SERVICE,
        "import json\nfrom app.sales.cart.router import x\n",
        line=2,
        says="service imports router",
    ),
    Breaks("layers_point_downwards", _REPOSITORY, "from .service import x\n", says="imports service"),
    Breaks(
        "layers_point_downwards", "app/catalog/books/schemas.py", "from app.catalog.books import repository\n"
    ),
    Keeps("layers_point_downwards", _REPOSITORY, "from app.catalog.books.schemas import BookFilter\n"),
    Breaks("layers_point_downwards", "app/sales/models/orders.py", "from app.sales.cart import service\n"),
    Breaks("layers_point_downwards", "app/new/deps.py", "from app.new.feature.router import x\n"),
    Breaks(
        "layers_point_downwards",
        "app/catalog/imports/run.py",
        "from app.catalog.imports.deps import x\n",
        says="service level imports deps",
    ),
    Breaks("layers_point_downwards", "app/catalog/books/queries.py", "from .service import x\n"),
    Breaks("layers_point_downwards", "app/catalog/authors/queries.py", "from .resolver import x\n"),
    Breaks("layers_point_downwards", "app/catalog/authors/resolver.py", "from .service import x\n"),
    Keeps("layers_point_downwards", "app/catalog/authors/resolver.py", "from .repository import x\n"),
    Keeps("layers_point_downwards", "app/api.py", "from app.catalog.books.router import router\n"),
    Keeps("layers_point_downwards", "app/catalog/imports/run.py", "from .service import x\n"),
    Keeps("layers_point_downwards", _SERVICE, "from .repository import x\nfrom app.catalog import models\n"),
    Keeps("layers_point_downwards", _ROUTER, "from app.catalog.books.service import BookService\n"),
    Breaks("services_know_no_framework", _SERVICE, "from fastapi import Depends\n", says="fastapi.Depends"),
    Breaks("services_know_no_framework", _REPOSITORY, "import starlette.requests as r\n"),
    Keeps("services_know_no_framework", _ROUTER, "from fastapi import APIRouter\n"),
    Keeps("services_know_no_framework", _SERVICE, "import fastapi_free\n"),
    Breaks(
        "models_stay_in_their_domain",
        _MODELS,
        "from app.identity.models import User\n",
        says="import models of identity",
    ),
    Keeps("models_stay_in_their_domain", _MODELS, "from app.core.db.models import Base\n"),
    Breaks(
        "app_knows_no_devstack",
        "app/cli/dev.py",
        "import sys\nfrom devstack.postgres import start\n",
        line=2,
        says="imports devstack.postgres.start",
    ),
    Breaks("app_knows_no_devstack", "app/main.py", "import devstack\n"),
    Keeps(
        "app_knows_no_devstack", "app/cli/dev.py", "import sys\nargs = [sys.executable, '-m', 'devstack']\n"
    ),
    Keeps("app_knows_no_devstack", "tests/conftest.py", "from devstack.postgres import start\n"),
    Breaks(
        "folders_are_packages",
        _SERVICE,
        "",
        {"app/catalog/__init__.py": ""},
        says="app/catalog/books has no __init__.py",
    ),
    Keeps("folders_are_packages", _SERVICE, "", {"app/catalog/books/__init__.py": ""}),
    Breaks(
        "imports_have_no_cycles",
        "app/catalog/a.py",
        "\nfrom app.catalog import b\n",
        {"app/catalog/b.py": "from app.catalog.a import x\n", "app/catalog/__init__.py": ""},
        line=2,
        says="app.catalog.a -> app.catalog.b -> app.catalog.a",
    ),
    Keeps(
        "imports_have_no_cycles",
        "app/catalog/a.py",
        "from app.catalog import b, c\n",
        {"app/catalog/b.py": "from app.catalog.c import x\n", "app/catalog/c.py": ""},
    ),
    Breaks(
        "feature_folders_have_no_cycles",
        "app/catalog/books/service.py",
        "\nfrom app.catalog.works.rules import x\n",
        {"app/catalog/works/queries.py": "from app.catalog.books.schemas import y\n"}
        | dict.fromkeys(["app/catalog/works/rules.py", "app/catalog/books/schemas.py"], ""),
        line=2,
        says="in app/catalog: books -> works -> books",
    ),
    Breaks(
        "feature_folders_have_no_cycles",
        "app/catalog/search/router.py",
        "from app.catalog.search.misses import jobs\n",
        {"app/catalog/search/misses/jobs.py": "from app.catalog.search.errors import y\n"}
        | dict.fromkeys(["app/catalog/search/errors.py", "app/catalog/search/misses/__init__.py"], ""),
        says="in app/catalog/search: . -> misses -> .",
    ),
    Keeps(
        "feature_folders_have_no_cycles",
        "app/catalog/books/service.py",
        "from app.catalog.works import rules\nfrom app.catalog.models import Book\n",
        {"app/catalog/works/rules.py": "from app.catalog.isbn import y\n"}
        | {"app/catalog/isbn.py": "from app.catalog.models import Book\n"}
        | dict.fromkeys(["app/catalog/works/__init__.py", "app/catalog/models/__init__.py"], ""),
    ),
    Keeps(
        "feature_folders_have_no_cycles",
        "app/core/db/transaction.py",
        "from app.core.cache.hot import x\n",
        {"app/core/cache/hot.py": "from app.core.db.queries import y\n", "app/core/db/queries.py": ""},
    ),
)

TRANSACTIONS: tuple[Plant, ...] = (
    Breaks(
        "only_the_unit_of_work_commits",
        _SERVICE,
        "async def f(s):\n    await s.commit()\n",
        line=2,
        says="commit",
    ),
    Breaks("only_the_unit_of_work_commits", "app/worker.py", "session.begin()\n", says=".begin()"),
    Keeps("only_the_unit_of_work_commits", "app/core/db/transaction.py", "session.commit()\n"),
    Keeps("only_the_unit_of_work_commits", _SERVICE, "session.begin_nested()\nprint(release.commit)\n"),
    Breaks(
        "errors_that_keep_writes_are_listed",
        _ERRORS,
        "class E(AppError):\n    keep_writes = True\n",
        line=2,
        says="E keeps writes",
    ),
    Breaks(
        "errors_that_keep_writes_are_listed",
        _ERRORS,
        "class E(AppError):\n    keep_writes: bool = 1\n",
        line=2,
    ),
    Breaks(
        "faults_are_logged_as_they_are",
        _SERVICE,
        "try:\n    f()\nexcept ValueError as fault:\n    _log.warning('no', error=str(fault) or repr(fault))\n",
        line=4,
        says="logs a text of fault",
    ),
    Keeps(
        "faults_are_logged_as_they_are",
        _SERVICE,
        "try:\n    f()\nexcept ValueError as fault:\n    _log.warning('no', error=fault, exc_info=fault)\n",
    ),
    Breaks("errors_that_keep_writes_are_listed", _SERVICE, "error.keep_writes = True\n", says="from outside"),
    Keeps(
        "errors_that_keep_writes_are_listed", _ERRORS, "class E(AppError):\n    keep_writes: bool = False\n"
    ),
    Breaks("no_network_inside_a_transaction", _SERVICE, "import httpx\n", says="imports httpx"),
    Breaks("no_network_inside_a_transaction", _REPOSITORY, "from urllib import request\n"),
    Breaks("no_network_inside_a_transaction", _ROUTER, "from redis.asyncio import Redis\n"),
    Keeps("no_network_inside_a_transaction", _SERVICE, "from urllib.parse import quote\n"),
    Keeps("no_network_inside_a_transaction", "app/core/http.py", "import httpx\n"),
    Breaks(
        "redis_is_reached_through_core", "app/ops/health.py", "import redis.asyncio\n", says="redis.asyncio"
    ),
    Keeps("redis_is_reached_through_core", "app/core/redis.py", "import redis.asyncio\n"),
)

ERRORS: tuple[Plant, ...] = (
    Breaks(
        "error_leaves_are_complete", _ERRORS, _leaf("status = 404", "pass"), line=3, says="sets no status"
    ),
    Breaks(
        "error_leaves_are_complete", _ERRORS, _leaf("title =", "title: str #"), line=3, says="sets no title"
    ),
    Breaks(
        "error_leaves_are_complete", _ERRORS, _leaf("book-not-found", "BookNotFound"), line=3, says=".code is"
    ),
    Breaks(
        "error_leaves_are_complete", _ERRORS, _leaf("404", "200"), line=3, says="BookNotFound.status is 200"
    ),
    Breaks(
        "error_leaves_are_complete",
        _ERRORS,
        _LEAF,
        {
            "app/catalog/books/errors.py": "from app.catalog.errors import BookNotFound\nclass E(BookNotFound): code = 'e'\n"
        },
        line=3,
        says="is no leaf: code is a default",
    ),
    Breaks(
        "error_leaves_are_complete",
        "app/core/errors.py",
        "class AppError(Exception):\n    status = 500\n",
        says="AppError is no leaf: status is a default",
    ),
    Keeps("error_leaves_are_complete", _ERRORS, _LEAF),
    Keeps(
        "error_leaves_are_complete",
        _ERRORS,
        _leaf("404", "HTTPStatus.GONE").replace("from", "from http import HTTPStatus\nfrom", 1),
    ),
    Keeps("error_leaves_are_complete", _ERRORS, "class Fault(Exception): pass\n"),
    Breaks(
        "error_codes_are_unique",
        "app/sales/errors.py",
        _leaf("BookNotFound", "CartNotFound"),
        {_ERRORS: _LEAF},
        line=5,
        says="is the code of app.catalog.errors.BookNotFound too",
    ),
    Keeps("error_codes_are_unique", "app/sales/errors.py", _leaf("book", "cart"), {_ERRORS: _LEAF}),
    Breaks("no_http_exception", _ROUTER, "from fastapi import HTTPException\n", says="fastapi.HTTPException"),
    Breaks("no_http_exception", _SERVICE, "import fastapi as f\nraise f.HTTPException(404)\n", line=2),
    Breaks("no_http_exception", "app/main.py", "from starlette.exceptions import HTTPException as E\n"),
    Keeps(
        "no_http_exception", "app/core/http/problems.py", "from starlette.exceptions import HTTPException\n"
    ),
    Keeps("no_http_exception", "devstack/a.py", "import http.client\nx = http.client.HTTPException\n"),
    Breaks("no_try_in_routers", _ROUTER, "try:\n    pass\nfinally:\n    pass\n", says="catches exceptions"),
    Breaks(
        "no_try_in_routers", _ROUTER, "import contextlib\nwith contextlib.suppress(E):\n    pass\n", line=2
    ),
    Keeps("no_try_in_routers", _SERVICE, "try:\n    pass\nfinally:\n    pass\n"),
    Breaks(
        "docstrings_say_raises",
        _SERVICE,
        'def f():\n    """Find it. BookNotFound, StaleVersion."""\n',
        {_ERRORS: _LEAF},
        says="write `Raises BookNotFound …`",
    ),
    Keeps(
        "docstrings_say_raises",
        _SERVICE,
        'def f():\n    """Find it.\n\n    Raises BookNotFound, StaleVersion. Bookish.\n    """\n',
        {_ERRORS: _LEAF},
    ),
)

SQL: tuple[Plant, ...] = (
    Breaks(
        "sql_is_written_in_repositories",
        _SERVICE,
        "from sqlalchemy import select\n",
        says="sqlalchemy.select",
    ),
    Breaks("sql_is_written_in_repositories", _ROUTER, "import sqlalchemy as sa\n"),
    Breaks(
        "sql_is_written_in_repositories", _MODELS, "from sqlalchemy import Text, update\n", says=".update"
    ),
    Keeps("sql_is_written_in_repositories", _MODELS, "from sqlalchemy import Text, func, text\n"),
    Keeps("sql_is_written_in_repositories", _SERVICE, "from sqlalchemy.ext.asyncio import AsyncSession\n"),
    Keeps("sql_is_written_in_repositories", _REPOSITORY, "from sqlalchemy import select\n"),
    Keeps(
        "sql_is_written_in_repositories", "app/catalog/works/resolver.py", "from sqlalchemy import select\n"
    ),
    Breaks("sql_is_written_in_repositories", "app/catalog/works/names.py", "from sqlalchemy import select\n"),
    Breaks("sql_is_run_in_repositories", _SERVICE, "self.session.get(Book, 1)\n", says="self.session.get()"),
    Breaks("sql_is_run_in_repositories", "app/cli/main.py", "connection.execute(statement)\n"),
    Breaks("sql_is_run_in_repositories", _ROUTER, "s.scalars(statement)\n"),
    Keeps("sql_is_run_in_repositories", _SERVICE, "values.get(1)\nself.books.get(1)\nsession_names.add(2)\n"),
    Keeps("sql_is_run_in_repositories", _REPOSITORY, "session.scalars(statement)\n"),
    Keeps("sql_is_run_in_repositories", "app/catalog/works/resolver.py", "session.execute(statement)\n"),
    Breaks(
        "queries_only_read",
        "app/catalog/books/queries.py",
        "from sqlalchemy import select, update\n",
        says="sqlalchemy.update",
    ),
    Breaks(
        "queries_only_read",
        "app/catalog/books/queries.py",
        "from app.core.events.events import publish\n",
        says="events.publish",
    ),
    Keeps("queries_only_read", "app/catalog/books/queries.py", "from sqlalchemy import select\n"),
    Keeps("queries_only_read", _REPOSITORY, "from sqlalchemy import update\n"),
    Breaks(
        "repositories_return_types",
        _REPOSITORY,
        "class R:\n    async def list_books(self) -> list[dict[str, int]]: ...\n",
        line=2,
        says="list_books returns list[dict[str, int]]",
    ),
    Breaks("repositories_return_types", _REPOSITORY, "def get_book() -> 'Mapping[str, Any] | None': ...\n"),
    Keeps("repositories_return_types", _REPOSITORY, "def list_books() -> list[BookRow]: ...\n"),
    Keeps("repositories_return_types", _REPOSITORY, "def _values() -> dict[str, int]: ...\n"),
    Breaks("relationships_raise_when_lazy", _MODELS, "x = relationship('Book')\n", says="without lazy"),
    Breaks("relationships_raise_when_lazy", _MODELS, "x = orm.relationship(lazy='selectin')\n"),
    Breaks(
        "relationships_raise_when_lazy",
        _MODELS,
        "x = relationship(lazy='raise', backref='y')\n",
        says="backref",
    ),
    Keeps("relationships_raise_when_lazy", _MODELS, "x = relationship('Book', lazy='raise')\n"),
    Breaks(
        "patches_stay_typed",
        _SERVICE,
        "\ndef f(self, values: dict[str, object]): ...\n",
        line=2,
        says="f takes or gives dict[str, object]",
    ),
    Breaks("patches_stay_typed", _REPOSITORY, "def f() -> Sequence[Mapping[str, Any]]: ...\n"),
    Keeps("patches_stay_typed", _SERVICE, "def f(patch: BookPatch, names: dict[str, int]): ...\n"),
    Keeps("patches_stay_typed", "app/catalog/formats/csv.py", "def f(row: dict[str, Any]): ...\n"),
)
