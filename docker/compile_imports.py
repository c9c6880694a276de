"""Run while the image is made: what this imports gets its bytecode, and nothing else does.

A process of the shop may not write bytecode, so what is missing here is compiled at each start; all packages whole
would take twice the space. An import of something that `slim` took away fails the build.

With a folder of packages, those that were imported keep their bytecode alone: a traceback still names their files
and lines, and does not repeat what stands there.
"""

import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import app

ON_DEMAND = ("gunicorn.app.wsgiapp", "gunicorn.arbiter", "typst", "uvicorn.lifespan.on", "webpush", "zxcvbn")
"""What is imported by a name in a setting, or when it is first used."""
NOT_IN_THE_IMAGE = {"app.cli.__main__", "app.cli.dev", "app.core.profiler"}
"""Commands of a checkout, and what needs a package for development."""
READ_THEMSELVES = {"anyio"}
"""Packages that look into their own source when they are imported."""


def import_all() -> None:
    """Import all of the shop, and with it what it uses."""
    for module in walk_packages(app.__path__, "app."):
        if module.name not in NOT_IN_THE_IMAGE:
            import_module(module.name)
    for name in ON_DEMAND:
        import_module(name)


def drop_sources(packages: Path) -> None:
    """Leave bytecode alone of the imported modules in the folder."""
    for name, module in tuple(sys.modules.items()):
        spec = vars(module).get("__spec__")
        source, bytecode = (
            (Path(path) if path else None for path in (spec.origin, spec.cached)) if spec else (None, None)
        )
        if name.partition(".")[0] in READ_THEMSELVES or source is None or bytecode is None:
            continue
        if source.suffix == ".py" and source.is_relative_to(packages) and bytecode.exists():
            bytecode.replace(source.with_suffix(".pyc"))
            source.unlink()


import_all()
if sys.argv[1:]:
    drop_sources(Path(sys.argv[1]))
