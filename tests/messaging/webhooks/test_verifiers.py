"""The verifier of `examples/` says of what the real signer made what it should."""

import asyncio
import subprocess
import sys

import pytest

from app.messaging.webhooks.signing import Keys
from tests.conftest import ROOT
from tests.ports import free_port

from .conftest import Shop, done
from .vectors import PATH, made, text

TRY = """
import json, sys
sys.path.insert(0, "examples/webhooks")
from verify import NotGenuine, verify
given = json.load(open("examples/webhooks/vectors.json", encoding="utf-8"))
for key in ("secret", "public_key"):
    for one in given["vectors"]:
        try:
            found = verify(one["headers"], one["body"].encode(), now=one["now"], **{key: given[key]})
            is_genuine = found == one["headers"]["webhook-id"]
        except NotGenuine:
            is_genuine = False
        assert is_genuine is one["is_genuine"], (key, one["name"])
print(len(given["vectors"]))
"""


def test_the_vectors_are_those_of_the_real_signer() -> None:
    # The TypeScript verifier is tried with the same file by `make clients`.
    assert PATH.read_text(encoding="utf-8") == text(), "python -m tests.messaging.webhooks.vectors"


def test_the_verifier_in_python_tells_genuine_messages_from_others() -> None:
    run = subprocess.run((sys.executable, "-c", TRY), cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 (our own program)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) == len(made()["vectors"])


@pytest.mark.parametrize("keys", [Keys.make() for _ in range(3)])
def test_keys_survive_their_own_text(keys: Keys) -> None:
    assert Keys.from_text(keys.to_text()) == keys
    assert keys != Keys.make()


async def test_the_receiver_of_the_example_takes_what_is_sent(shop: Shop) -> None:
    owner = await shop.sign_up()
    port = free_port()
    webhook = await shop.register(owner, url=f"http://127.0.0.1:{port}/")
    program = (sys.executable, "-u", "examples/webhooks/verify.py", str(port), webhook["secret"])
    receiver = await asyncio.create_subprocess_exec(
        *program, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert receiver.stdout is not None
    try:
        async with shop.running_worker():
            await shop.tell(done("A", owner.id))
            async with asyncio.timeout(60):
                line = await receiver.stdout.readline()
            await shop.holds("count(*) = 1 FROM webhook_deliveries WHERE state = 'delivered'")
    finally:
        receiver.kill()
        await receiver.wait()
    assert line.startswith(b'new evt_1 {"id":"evt_1","type":"order.delivered"')
