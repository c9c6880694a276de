"""Who may import whom inside a domain; the order of the domains is import-linter's contract."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from .engine import Finding, Import, Module, Project, domain_of, module_rule, project_rule, role_of

MAY_NOT_KNOW = {
    "deps": {"router"},
    "schemas": {"router", "deps", "service", "repository", "queries"},
    "service": {"router", "deps"},
    "repository": {"router", "deps", "service"},
    "queries": {"router", "deps", "service", "repository"},
    "models": {"router", "deps", "service", "schemas", "repository", "queries"},
}


@module_rule("app/")
def layers_point_downwards(module: Module) -> Iterator[Finding]:
    """Router, then service, then repository, then models: never upwards, in whatever feature."""
    for imported in module.imports:
        role = role_of(imported.target)
        if role in MAY_NOT_KNOW.get(module.role or "", ()):
            yield imported.line, f"{module.role} imports {role} ({imported.target})"


@module_rule("app/")
def services_know_no_framework(module: Module) -> Iterator[Finding]:
    """A service or repository serves worker and CLI too, so it never imports fastapi or starlette."""
    if module.role in {"service", "repository", "queries"}:
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


def _module_of(imported: Import, modules: dict[str, Module]) -> str:
    package = imported.target.rpartition(".")[0]
    return imported.target if imported.target in modules or package not in modules else package
