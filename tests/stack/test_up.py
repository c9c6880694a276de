"""What `cp .env.example .env && docker compose up` gives."""

import json

from app import __version__
from app.ops.backups.age import new_key
from tests.stack.stack import PRODUCTION, Stack


def test_the_shop_answers_through_nginx(stack: Stack) -> None:
    with stack.client() as client:
        assert client.get("/health/live").json()["status"] == "alive"
        books = client.get("/api/v1/books", params={"limit": 5}).json()
        assert len(books["items"]) == 5
        answer = client.get("/nowhere")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "no-such-route"


def test_nginx_finds_its_configuration_right(stack: Stack) -> None:
    stack.execute("nginx", "nginx", "-t")


def test_only_nginx_publishes_ports(stack: Stack) -> None:
    listed = [json.loads(line) for line in stack.compose("ps", "--format", "json").splitlines()]
    published = {
        entry["Service"]
        for entry in listed
        if any(port["PublishedPort"] for port in entry["Publishers"] or [])
    }
    assert published == {"nginx"}


def test_the_production_file_is_valid(stack: Stack) -> None:
    plain, stack.files = stack.files, PRODUCTION
    try:
        stack.compose("config", "--quiet")
    finally:
        stack.files = plain


def test_a_backup_is_made_within_the_stack_and_can_be_read(stack: Stack) -> None:
    public, secret = new_key()

    def bookstore(key: str, *arguments: str) -> str:
        place = ("-e", "BACKUP_URL=file:///srv/backups", "-e", f"BACKUP_KEY={key}")
        return stack.compose("exec", "-T", *place, "worker", "bookstore", *arguments)

    bookstore(public, "backup")
    assert __version__ in bookstore(public, "backups")
    bookstore(secret, "restore", "--check")
