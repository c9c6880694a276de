"""The stack that most checks share, and one for checks that want it otherwise."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.stack.stack import Stack, engine_fault, running

StackMaker = Callable[..., Stack]


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """A Docker engine that answers; without one the run ends and says so."""
    fault = engine_fault()
    if fault:
        pytest.exit(
            f"make stack-test needs a Docker engine with Compose v2, and none answers: {fault}", returncode=3
        )


@pytest.fixture(scope="session")
def make_stack(engine: None, tmp_path_factory: pytest.TempPathFactory) -> StackMaker:
    """Gives stacks of a check's own: `running(make_stack("name", files=PRODUCTION))`."""
    del engine

    def make(name: str, **options: object) -> Stack:
        project = f"stack-test-{name}-{os.getpid()}"
        return Stack(project, tmp_path_factory.mktemp(name), **options)  # type: ignore[arg-type]  # passed on as they are

    return make


@pytest.fixture(scope="session")
def stack(make_stack: StackMaker) -> Iterator[Stack]:
    """`cp .env.example .env && docker compose up`, with nothing said besides but free ports."""
    with ExitStack() as exits:
        yield exits.enter_context(running(make_stack("shared")))
