"""`make run` without loading the application first: it starts sooner, and Ctrl-C is heard at once."""

import typer

from devstack.run import dev, tell_errors

if __name__ == "__main__":
    with tell_errors():
        typer.run(dev)
