"""Who may import whom inside a domain; the order of the domains is import-linter's contract."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from .engine import Finding, Import, Module, Project, domain_of, module_rule, project_rule, role_of

Edges = dict[str, dict[str, tuple[str, int]]]
"""Folder → folder → the file and the line that make the edge."""

IN_A_DOMAIN = 2
"""Slashes in the path of a file of a domain; `app/api.py` and its like stand above all domains."""

SERVICE_LEVEL = frozenset({"router", "deps"})
"""What a service may not know, nor any module whose name is no role: errors, events, jobs, rules."""

MAY_NOT_KNOW = {
    "deps": {"router"},
    "schemas": {"router", "deps", "service", "repository", "resolver", "queries"},
    "repository": {"router", "deps", "service"},
    "resolver": {"router", "deps", "service"},
    "queries": {"router", "deps", "service", "repository", "resolver"},
    "models": {"router", "deps", "service", "schemas", "repository", "resolver", "queries"},
}


@module_rule("app/")
def layers_point_downwards(module: Module) -> Iterator[Finding]:
    """Router, deps, service, repository or resolver, queries, models: never upwards; any other name is a service."""
    if module.role == "router" or module.path.count("/") < IN_A_DOMAIN:
        return
    for imported in module.imports:
        role = role_of(imported.target)
        if role in MAY_NOT_KNOW.get(module.role or "service", SERVICE_LEVEL):
            yield imported.line, f"{module.role or 'service level'} imports {role} ({imported.target})"


@module_rule("app/")
def services_know_no_framework(module: Module) -> Iterator[Finding]:
    """A service or repository serves worker and CLI too, so it never imports fastapi or starlette."""
    if module.role in {"service", "repository", "resolver", "queries"}:
        for imported in module.imports:
            if imported.is_within("fastapi", "starlette"):
                yield imported.line, f"{module.role} imports {imported.target}"


@module_rule("app/")
def models_stay_in_their_domain(module: Module) -> Iterator[Finding]:
    """No relationship across domains: the foreign key names the table instead."""
    if module.role != "models":
        return
    for imported in module.imports:
        domain = domain_of(imported.target)
        if role_of(imported.target) == "models" and domain not in {module.domain, "core"}:
            yield imported.line, f"models of {module.domain} import models of {domain} ({imported.target})"


@module_rule("app/")
def app_knows_no_devstack(module: Module) -> Iterator[Finding]:
    """Neither wheel nor image holds `devstack`; a command goes on as `python -m devstack` instead."""
    for imported in module.imports:
        if imported.is_within("devstack"):
            yield imported.line, f"imports {imported.target}"


@project_rule
def folders_are_packages(project: Project) -> Iterator[tuple[str, Finding]]:
    """Import-linter sees packages only: a folder without `__init__.py` would escape the domain order."""
    for module in project.modules:
        folder = module.path.rpartition("/")[0]
        if module.path.startswith("app/") and f"{folder}/__init__.py" not in project.files:
            yield module.path, (1, f"{folder} has no __init__.py")


@project_rule
def imports_have_no_cycles(project: Project) -> Iterator[tuple[str, Finding]]:
    """No module imports itself by way of others, for the type checker neither."""
    modules = {module.name: module for module in project.modules if module.path.startswith("app/")}
    graph = {
        name: {target for imported in module.imports if (target := _module_of(imported, modules)) != name}
        for name, module in modules.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as fault:
        importer, imported_name, *_ = cycle = list(reversed(fault.args[1]))
        module = modules[importer]
        line = next(each.line for each in module.imports if _module_of(each, modules) == imported_name)
        yield module.path, (line, " -> ".join(cycle))


@project_rule
def feature_folders_have_no_cycles(project: Project) -> Iterator[tuple[str, Finding]]:
    """Among the folders of a domain, and of a feature, imports form a DAG; files and models beside them are one node."""
    for container, edges in _graphs(project):
        try:
            TopologicalSorter({part: set(targets) for part, targets in edges.items()}).prepare()
        except CycleError as fault:
            parts = list(reversed(fault.args[1]))[1:]
            first = parts.index(min(parts))
            cycle = [*parts[first:], *parts[:first], parts[first]]
            path, line = edges[cycle[0]][cycle[1]]
            yield path, (line, f"in {container}: " + " -> ".join(cycle))


def cyclic_folders(project: Project) -> set[str]:
    """The folders that reach themselves by way of others."""
    return {
        f"{container}/{part}"
        for container, edges in _graphs(project)
        for part in edges
        if part in _reached_from(part, edges)
    }


def _reached_from(part: str, edges: Edges) -> set[str]:
    reached: set[str] = set()
    waiting = [part]
    while waiting:
        beyond = edges.get(waiting.pop(), {}).keys() - reached
        reached |= beyond
        waiting += beyond
    return reached


def _graphs(project: Project) -> Iterator[tuple[str, Edges]]:
    modules = {module.name: module for module in project.modules if module.path.startswith("app/")}
    for container in sorted({folder for module in modules.values() for folder in _containers(module)}):
        edges: Edges = {}
        for module in modules.values():
            for imported in module.imports:
                target = modules.get(_module_of(imported, modules))
                ends = _part(container, module.path), _part(container, target.path if target else "")
                if None not in ends and ends[0] != ends[1]:
                    edges.setdefault(str(ends[0]), {})[str(ends[1])] = module.path, imported.line
        yield container, edges


def _containers(module: Module) -> Iterator[str]:
    """The folders of the domain and of the features that the module lies in; `core` has no features."""
    if module.domain not in {None, "core"}:
        folders = module.path.split("/")[:-1]
        yield from ("/".join(folders[:depth]) for depth in range(2, len(folders) + 1))


def _part(container: str, path: str) -> str | None:
    """The folder of the container that the file lies in, `.` for its own files and models; None outside of it."""
    if not path.startswith(f"{container}/"):
        return None
    folder, slash, _ = path.removeprefix(f"{container}/").partition("/")
    return folder if slash and folder != "models" else "."


def _module_of(imported: Import, modules: dict[str, Module]) -> str:
    package = imported.target.rpartition(".")[0]
    return imported.target if imported.target in modules or package not in modules else package
