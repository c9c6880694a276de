"""The files under `deploy/`, read: which variables each names, which commands, ports and paths."""

import configparser
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").rglob("*.yaml"))
UNITS = sorted((DEPLOY / "vm" / "systemd").glob("*.service"))
TEMPLATES = (DEPLOY / "ecs" / "template.yaml", DEPLOY / "lambda" / "template.yaml")
OTHER_YAML = (DEPLOY / "swarm" / "stack.yml", DEPLOY / "digitalocean" / "app.yaml")
YAML = (*MANIFESTS, *TEMPLATES, *OTHER_YAML)


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (`!Ref X`), whose values stand for themselves."""


def _short_form(loader: yaml.Loader, _suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    raise AssertionError(node)


_Loader.add_multi_constructor("!", _short_form)


def documents(path: Path) -> list[Any]:
    """The documents of a YAML file."""
    return list(yaml.load_all(path.read_text(), _Loader))


def nodes(tree: object) -> Iterator[dict[str, Any]]:
    """Every mapping of a document."""
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    for each in tree if isinstance(tree, list) else ():
        yield from nodes(each)


def variables(path: Path) -> set[str]:
    """The environment variables that a YAML file gives to the application, however its platform spells that."""
    found: set[str] = set()
    for node in nodes(documents(path)):
        environment = node.get("environment") or node.get("Variables")
        found |= set(environment) if isinstance(environment, dict) else set()
        for key, name in (("env", "name"), ("envs", "key"), ("Environment", "Name"), ("Secrets", "Name")):
            listed = node.get(key)
            found |= {each[name] for each in listed if name in each} if isinstance(listed, list) else set()
        found |= {literal.partition("=")[0] for literal in node.get("literals", ())}
    return found


def commands(path: Path) -> set[str]:
    """The commands of `bookstore` that a YAML file runs."""
    found = set()
    for node in nodes(documents(path)):
        for key in ("command", "Command", "run_command"):
            said = node.get(key, [])
            words = said.split() if isinstance(said, str) else said
            if words[:1] == ["bookstore"]:
                found.add(words[1])
    return found


def unit_variables(path: Path) -> set[str]:
    """The variables that a unit of systemd gives, but for the file that it reads."""
    lines = re.findall(r"^Environment=(.*)$", path.read_text(), re.MULTILINE)
    return {word.partition("=")[0] for line in lines for word in line.split()}


def programs() -> dict[str, configparser.SectionProxy]:
    """The programs of supervisor by name."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=None)
    parser.read(DEPLOY / "vm" / "supervisor" / "bookstore.conf")
    return {name.partition(":")[2]: parser[name] for name in parser.sections() if name.startswith("program:")}


def processes() -> dict[str, str]:
    """What Heroku's Procfile starts, by name."""
    text = (DEPLOY / "heroku" / "Procfile").read_text()
    return dict(re.findall(r"^(\w+): (.*)$", text, re.MULTILINE))
