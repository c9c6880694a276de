"""Commands around a shop: demo data, administrators, the API's description, the settings.

Exit codes: 0 done, 1 refused (the message says what to do), 2 wrong usage.
"""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession

from app import registry
from app.cli.errors import refuse
from app.cli.output import show
from app.core.cache.bus import CacheBus
from app.core.cache.hot import HotCache
from app.core.db.engine import Database
from app.core.db.transaction import transaction
from app.core.redis import make_cache_redis, make_redis
from app.core.settings.settings import Environment, Settings, load_settings
from app.identity.accounts.schemas import AccountIn
from app.identity.accounts.service import AccountService
from app.identity.permissions import Role


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(create_admin)
    cli.command()(openapi)
    cli.command()(routes)
    cli.command()(check_settings)


def create_admin(
    username: Annotated[str, typer.Argument(help="The new account's user name.")],
    email: Annotated[str, typer.Argument(help="Its e-mail address, which counts as verified.")],
    is_super: Annotated[bool, typer.Option("--super", help="May do everything: role super_admin.")] = False,
    from_stdin: Annotated[
        bool,
        typer.Option("--password-stdin", help="Read the password from the first line of standard input."),
    ] = False,
) -> None:
    """Open an administrator's account.

    The password is asked for, unless --password-stdin or the variable BOOKSTORE_ADMIN_PASSWORD gives it.

    Exit code 1: the name or address is taken, or a rule of registration is broken.
    """
    role = Role.SUPER_ADMIN if is_super else Role.ADMIN
    settings = load_settings()
    request = AccountIn(username=username, email=email, password=_password(from_stdin=from_stdin))

    async def create() -> None:
        async with unit_of_work(settings) as session:
            account = await AccountService.build(session).register(request, role)
            account.is_verified = True

    asyncio.run(create())
    typer.echo(f"{request.username} can log in now, as {role}.")


def openapi(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; else standard output.")
    ] = None,
) -> None:
    """Write the OpenAPI document, keys in order; needs no database and no settings.

    Exit code 1: the file cannot be written.
    """
    text = json.dumps(_document(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as fault:
        refuse(f"cannot write {output}: {fault.strerror}.")


def routes(
    as_json: Annotated[
        bool, typer.Option("--json", help="As a JSON array, one object an operation.")
    ] = False,
) -> None:
    """List every operation of the API and who may call it; needs no database and no settings."""
    listed = [
        {
            "method": method.upper(),
            "path": path,
            "operation": operation["operationId"],
            "who": _who(operation),
        }
        for path, operations in _document()["paths"].items()
        for method, operation in operations.items()
    ]
    if as_json:
        typer.echo(json.dumps(listed, indent=2))
        return
    table = Table("Method", "Path", "Operation", "Who may call")
    for route in listed:
        table.add_row(*route.values())
    show(table)


def check_settings() -> None:
    """Print every setting, secrets masked, or what is wrong with the environment.

    Exit code 1: the API would not start.
    """
    for name, value in _variables(load_settings()):
        typer.echo(f"{name}={value}")


@asynccontextmanager
async def unit_of_work(settings: Settings) -> AsyncIterator[AsyncSession]:
    """Open a transaction outside any request; running workers drop what it makes stale."""
    registry.load()
    database, redis = Database(settings.database), make_redis(settings.redis)
    cache_redis = make_cache_redis(settings.redis, redis)
    try:
        bus = CacheBus(cache_redis, database.identity, settings.cache.shared_ttl)
        async with transaction(database, HotCache(bus, settings.cache)) as session:
            yield session
    finally:
        await cache_redis.aclose()
        await redis.aclose()
        await database.close()


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    given = os.environ.get("BOOKSTORE_ADMIN_PASSWORD")
    try:
        return given or str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    except typer.Abort:
        refuse("no password given: type it, or use --password-stdin or BOOKSTORE_ADMIN_PASSWORD.")


def _document() -> dict[str, Any]:
    """Build the document; it does not depend on the installation, so no setting need be at hand."""
    settings = load_settings(environment=Environment.DEVELOPMENT, jwt={"secret": secrets.token_hex(32)})
    # Here, for `bookstore worker` and `bookstore migrate` would carry the whole API besides.
    document: dict[str, Any] = import_module("app.main").create_app(settings).openapi()
    return document


def _who(operation: dict[str, Any]) -> str:
    if operation["operationId"] in import_module("app.api").PUBLIC_ROUTES:
        return "public"
    security = operation.get("security", ())
    # An empty requirement among others: credentials may be sent and need not be.
    if not security or {} in security:
        return "public"
    scopes = [scope for scheme in security for names in scheme.values() for scope in names]
    return ", ".join(dict.fromkeys(scopes)) or "any account"


def _variables(settings: Settings) -> Iterator[tuple[str, str]]:
    for name, value in settings:
        if isinstance(value, BaseModel):
            fields = type(value).model_fields
            for part, inner in value:
                yield f"{name}_{fields[part].validation_alias or part}".upper(), _printed(inner)
        else:
            yield name.upper(), _printed(value)


def _printed(value: object) -> str:
    """As it would stand in `.env`; a secret prints as asterisks."""
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, tuple) else str(value)
