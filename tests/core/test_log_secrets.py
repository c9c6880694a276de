"""No secret in any log, whatever fails: one is planted in every place, faults are forced, all output is searched."""

# ruff: noqa: G004 (libraries write such lines)
import asyncio
import gc
import logging
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.db.engine import Database
from app.core.logging import configure_logging, guard_process
from app.core.redaction import REDACTED, fault_line, redacted, redacted_text
from app.core.settings.groups import DatabaseSettings, LogSettings
from app.core.settings.settings import Settings
from app.identity.authentication.api_key_format import make_key
from app.main import create_app
from devstack import Servers
from tests.conftest import Caller, client_of, make_account, running_app, settings_for

BOOKS = "/api/v1/books"
SECRET = "pl4nted-Zq7-never-to-be-seen"
PARTS = (SECRET, "pl4nted", "Zq7")
_BY_TRIGGER = """
CREATE FUNCTION spill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does}; RETURN NEW; END $$;
CREATE TRIGGER spill BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION spill()"""
_SAYS = "RAISE EXCEPTION 'no %', NEW USING DETAIL = NEW::text, HINT = NEW::text, COLUMN = NEW.title"
SABOTAGE = {
    "constraint": (
        "ALTER TABLE items ADD CONSTRAINT spilled CHECK (title NOT LIKE '%Zq7%')",
        "constraint spilled",
    ),
    "index": ("CREATE UNIQUE INDEX spilled ON items ((left(title, 3)))", "SQLSTATE 23505"),
    "cast": (_BY_TRIGGER.format(does="PERFORM NEW.title::integer"), "SQLSTATE 22P02"),
    "message": (_BY_TRIGGER.format(does=_SAYS), "SQLSTATE P0001"),
    "column": ("ALTER TABLE items RENAME COLUMN description TO gone", "SQLSTATE 42703"),
}


@pytest.fixture(params=["json", "text"])
def style(request: pytest.FixtureRequest) -> Iterator[str]:
    """A format of the log; afterwards the log is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield str(request.param)
    root.handlers = handlers
    root.setLevel(level)


@pytest.fixture
async def loud_app(
    servers: Servers, empty_database_url: str, style: str, capfd: pytest.CaptureFixture[str]
) -> AsyncIterator[FastAPI]:
    """An application that writes down all it ever would."""
    del capfd
    settings = settings_for(servers, empty_database_url, log={"level": "DEBUG", "format": style})
    async with running_app(settings) as application:
        yield application


@contextmanager
def _process_log(style: str) -> Iterator[None]:
    """The log of a process whose other output is guarded too."""
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning
    configure_logging(LogSettings(level="DEBUG", format="json" if style == "json" else "text"))
    guard_process()
    try:
        yield
    finally:
        sys.excepthook, sys.unraisablehook = hooks[:2]
        threading.excepthook, warnings.showwarning = hooks[2:]


def _searched(capfd: pytest.CaptureFixture[str]) -> str:
    written = capfd.readouterr()
    everything = written.out + written.err
    for part in PARTS:
        assert part not in everything, everything
    return everything


async def _caller(application: FastAPI) -> Caller:
    async with application.state.database.sessions.begin() as arranging:
        return await make_account(application, arranging)


async def _sabotage(application: FastAPI, statements: str) -> None:
    async with application.state.database.engine.begin() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.execute(statements)


@pytest.mark.parametrize("kind", SABOTAGE)
async def test_a_fault_of_the_database_tells_no_value(
    loud_app: FastAPI, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    seller = await _caller(loud_app)
    statements, told = SABOTAGE[kind]
    async with client_of(loud_app) as client:
        body = {"title": f"{SECRET} one", "price": 1, "description": SECRET, "subtitle": SECRET}
        if kind == "index":
            assert (await client.post(BOOKS, json=body, headers=seller.headers)).status_code == 201
        await _sabotage(loud_app, statements)
        capfd.readouterr()
        answer = await client.post(
            f"{BOOKS}?secret={SECRET}",
            json=body,
            headers={
                **seller.headers,
                "X-Password": SECRET,
                "Cookie": f"access_token={SECRET}; other={SECRET}",
                "Referer": f"https://x/{SECRET}",
                "User-Agent": SECRET,
            },
        )
        if answer.status_code == 422:
            answer = await client.post(BOOKS, json=body, headers=seller.headers)
    assert answer.status_code == 500
    assert SECRET not in answer.text
    written = _searched(capfd)
    assert told in written, written
    assert "app/catalog" in written, "frames are told"


async def test_whatever_a_request_holds_is_not_written_down(
    loud_app: FastAPI, capfd: pytest.CaptureFixture[str]
) -> None:
    seller = await _caller(loud_app)
    await _sabotage(loud_app, "ALTER TABLE books RENAME COLUMN isbn13 TO gone")
    await _sabotage(loud_app, "ALTER TABLE users RENAME COLUMN username TO gone")
    loud_app.state.cache.connection_changed()
    form = {"username": SECRET, "password": SECRET}
    account = {"username": "Zq7-name", "email": "pl4nted@example.com", "password": f"{SECRET}A1!"}
    async with client_of(loud_app) as client:
        answers = [
            await client.get(f"{BOOKS}?search={SECRET}"),
            await client.get(f"/api/v1/search?q={SECRET}"),
            await client.get(f"{BOOKS}/isbn/{SECRET}"),
            await client.get(f"{BOOKS}/{SECRET}"),
            await client.get(f"/{SECRET}?{SECRET}"),
            await client.get(BOOKS, headers={"Authorization": f"Bearer {SECRET}"}),
            await client.get(BOOKS, headers={"X-API-Key": SECRET}),
            await client.get("/api/v1/users/me", headers={"X-API-Key": make_key(7).replace("bk_", "bk_Zq7")}),
            await client.get("/api/v1/users/me", headers={"Cookie": f"access_token={SECRET}"}),
            await client.post("/api/v1/auth/token", data=form),
            await client.post("/api/v1/auth/login", data=form, headers={"Origin": f"https://{SECRET}"}),
            await client.post("/api/v1/auth/refresh", json={"refresh_token": SECRET}),
            await client.post("/api/v1/auth/reset-password", json={"token": SECRET, "password": SECRET}),
            await client.post("/api/v1/users/register", json=account),
            await client.post(BOOKS, content=f'{{"title": "{SECRET}'.encode(), headers=seller.headers),
            await client.request(SECRET[:7].upper(), BOOKS),
        ]
    assert 500 in {answer.status_code for answer in answers}
    written = _searched(capfd)
    assert "SQLSTATE 42703" in written


@dataclass
class Holder:
    password: str


class Shown(BaseModel):
    password: str
    count: int = 0


def _raised(fault: BaseException) -> BaseException:
    held = SECRET
    try:
        raise fault
    except BaseException as caught:  # noqa: BLE001 (whatever it is, its traceback is wanted)
        assert held
        return caught


def _chained() -> BaseException:
    try:
        try:
            raise ValueError(SECRET)
        except ValueError:
            raise KeyError(SECRET)  # noqa: B904 (the context is what matters here)
    except KeyError as fault:
        last = RuntimeError(f"with {SECRET}")
        last.__cause__ = fault
        last.add_note(f"by the way: {SECRET}")
        return last


def _invalid() -> BaseException:
    try:
        TypeAdapter(Shown).validate_python({"password": [SECRET], "count": SECRET, SECRET: 1})
    except ValidationError as fault:
        return fault
    raise AssertionError


FAULTS = [
    ValueError(SECRET),
    KeyError(SECRET),
    RuntimeError(f"a\n{SECRET}\nb"),
    TypeError(f"cannot use {SECRET}"),
    AttributeError(f"no attribute {SECRET}"),
    OSError(2, SECRET, SECRET),
    OSError(SECRET),
    UnicodeDecodeError("ascii", SECRET.encode(), 0, 1, SECRET),
    SyntaxError(SECRET, ("x", 1, 1, SECRET)),
    IntegrityError(f"SELECT '{SECRET}'", {"p": SECRET}, Exception(f"DETAIL: {SECRET}")),
    ExceptionGroup(SECRET, [ValueError(SECRET), ExceptionGroup(SECRET, [OSError(SECRET)])]),
    SystemExit(SECRET),
    _chained(),
    _invalid(),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_a_fault_is_told_without_its_words(
    style: str, capfd: pytest.CaptureFixture[str], fault: BaseException
) -> None:
    log, library = structlog.get_logger("ours"), logging.getLogger("some.library")
    with _process_log(style):
        caught = _raised(fault)
        log.error("failed", exc_info=caught)
        log.warning("failed", error=caught, nested={"why": [caught]})
        library.error("failed: %s (%r)", caught, caught, exc_info=caught)
        library.error(f"failed: {caught} {caught!r}", exc_info=caught)
        library.error(f"failed with {SECRET}")  # no fault at hand
        logging.getLogger("uvicorn.error").error(f"Exception: {caught!r}", exc_info=caught)
        logging.getLogger("asyncio").error(f"Task exception was never retrieved\nfuture: <Task {caught!r}>")
        sys.excepthook(type(caught), caught, caught.__traceback__)
    written = _searched(capfd)
    assert written.count(type(fault).__name__) >= 4
    assert "test_log_secrets.py" in written


def test_names_and_texts_give_no_secret_away_at_any_depth(
    style: str, capfd: pytest.CaptureFixture[str]
) -> None:
    key = make_key(7)
    jwt = f"eyJhbGciOiJIUzI1NiJ9.eyJ{SECRET}.{SECRET}"
    with _process_log(style):
        structlog.get_logger("ours").warning(
            "told",
            password=SECRET,
            headers=[
                (b"Authorization", f"Bearer {SECRET}".encode()),
                ("X-API-Key", SECRET),
                ("Cookie", SECRET),
            ],
            scope={"headers": {"Set-Cookie": SECRET}, "items": [{"deep": {"refresh_token": SECRET}}]},
            url=f"postgresql+asyncpg://shop:{SECRET}@db/shop",
            redis=f"redis://:{SECRET}/x@y@redis:6379/0",
            mail=f"cannot reach smtp://user:{SECRET}@mail:587 now",
            query=f"/reset?token={SECRET}&x=1",
            line=f"Authorization: Bearer {SECRET}",
            form=f"username=a&password={SECRET}&scope=",
            body=f'{{"password": "{SECRET}", "a": 1}}',
            cookie_line=f"cookie: a={SECRET}; b={SECRET}",
            session=jwt,
            given=f"the key {key} is unknown",
            body_bytes=SECRET.encode(),
            holder=Holder(SECRET),
            shown=Shown(password=SECRET),
            boxed=SecretStr(SECRET),
            thing={SECRET.encode(): SECRET} and object(),
        )
    written = _searched(capfd)
    assert key not in written
    assert "told" in written
    assert "shop:" not in written


def test_what_python_prints_by_itself_tells_nothing(style: str, capfd: pytest.CaptureFixture[str]) -> None:
    async def fail() -> None:
        raise ValueError(SECRET)

    async def forget() -> None:
        task = asyncio.get_running_loop().create_task(fail(), name=SECRET)
        await asyncio.sleep(0)
        del task
        gc.collect()

    with _process_log(style):
        asyncio.run(forget())
        thread = threading.Thread(target=lambda: int(SECRET), name=SECRET)
        thread.start()
        thread.join()
        warnings.showwarning(UserWarning(SECRET), UserWarning, "file.py", 7)
        logging.getLogger("some.library").error("not for %d", SECRET)
        logging.getLogger("some.library").warning("for %s and %s", SECRET, {"a": SECRET})
        logging.getLogger("uvicorn.error").error(
            'Traceback (most recent call last):\n  File "a.py", line 1, in f\n'
            f"    f()\nValueError: {SECRET}\n{SECRET}: more\n\n  {SECRET}\n"
        )
    written = _searched(capfd)
    for told in ("ValueError", "file.py:7", "UserWarning", "thread_failed", "line 1, in f"):
        assert told in written, told


def test_a_line_that_cannot_be_written_tells_nothing(style: str, capfd: pytest.CaptureFixture[str]) -> None:
    class Stubborn:
        def __str__(self) -> str:
            raise RuntimeError(SECRET)

    with _process_log(style):
        logging.getLogger("uvicorn.error").error("for %s", Stubborn())
    assert "log_line_lost" in _searched(capfd)


def test_what_is_harmless_is_told() -> None:
    assert redacted({"count": 3, "names": ["a", "b"], "none": None}) == {
        "count": 3,
        "names": ["a", "b"],
        "none": None,
    }
    for said in (
        "Listening at: http://0.0.0.0:8000 (7)",
        "Running upgrade 0001 -> 0002, more",
        "a token of thanks",
    ):
        assert redacted_text(said) == said
    assert redacted_text("redis://:x@redis:6379/0") == f"redis://{REDACTED}@redis:6379/0"
    missing = AttributeError("'NoneType' object has no attribute 'title'")
    assert fault_line(missing) == "AttributeError: 'NoneType' object has no attribute 'title'"
    refused = ConnectionRefusedError(111, "whatever")
    assert fault_line(refused) == "ConnectionRefusedError: ECONNREFUSED (Connection refused)"


async def test_servers_that_are_away_do_not_tell_how_to_reach_them(
    style: str, capfd: pytest.CaptureFixture[str]
) -> None:
    away = "127.0.0.1:1"
    settings = Settings(
        environment="development",
        database={"url": f"postgresql+asyncpg://user:{SECRET}@{away}/shop"},
        redis={"url": f"redis://user:{SECRET}@{away}/0"},
        mail={"url": f"smtp://user:{SECRET}@{away}"},
        jwt={"secret": SECRET * 2},
        log={"level": "DEBUG", "format": style},
    )
    application = create_app(settings)
    async with client_of(application) as client:
        for path in (BOOKS, "/api/v1/search?q=word", "/health/ready", "/health"):
            assert (await client.get(path)).status_code in {200, 503}
    await application.state.redis.aclose()
    await application.state.database.close()
    assert "unavailable" in _searched(capfd)


async def test_statements_are_told_without_their_values(empty_database_url: str) -> None:
    database = Database(DatabaseSettings(url=SecretStr(empty_database_url)))
    for engine in database.engines().values():
        assert engine.sync_engine.hide_parameters
    await database.close()
    bare: Any = create_async_engine(empty_database_url)
    assert not bare.sync_engine.hide_parameters, "it must be asked for"


async def test_a_caller_is_known_by_number(loud_app: FastAPI, capfd: pytest.CaptureFixture[str]) -> None:
    """The line of a request tells who and where, and nothing that was sent."""
    seller = await _caller(loud_app)
    async with client_of(loud_app) as client:
        await client.get(f"/api/v1/users/me?x={SECRET}", headers=seller.headers)
        await client.get("/api/v1/users/me", headers=seller.headers)
    written = _searched(capfd)
    assert str(seller.id) in written
    assert seller.headers["Authorization"].split()[1] not in written
