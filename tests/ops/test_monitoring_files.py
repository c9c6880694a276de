"""Rules, dashboards and runbook fit together and the application: every metric and label they name exists."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import ROOT

PROMETHEUS = ROOT / "docker" / "prometheus"
DASHBOARDS = sorted((ROOT / "docker" / "grafana" / "dashboards").glob("*.json"))
OF_EXPORTERS = frozenset(
    {
        # Prometheus itself, of every target.
        "up",
        # postgres_exporter 0.17, as it comes.
        "pg_up",
        "pg_database_size_bytes",
        "pg_locks_count",
        "pg_settings_max_connections",
        "pg_stat_activity_count",
        "pg_replication_is_replica",
        "pg_stat_archiver_archived_count",
        "pg_stat_archiver_failed_count",
        "pg_stat_archiver_last_archive_age",
        "pg_stat_database_blks_hit",
        "pg_stat_database_blks_read",
        "pg_stat_database_conflicts",
        "pg_stat_database_deadlocks",
        "pg_stat_database_tup_deleted",
        "pg_stat_database_tup_fetched",
        "pg_stat_database_tup_inserted",
        "pg_stat_database_tup_updated",
        "pg_stat_database_xact_commit",
        "pg_stat_database_xact_rollback",
        # redis_exporter 1.74, as it comes.
        "redis_up",
        "redis_commands_processed_total",
        "redis_connected_clients",
        "redis_evicted_keys_total",
        "redis_memory_max_bytes",
        "redis_memory_used_bytes",
    }
)
_ENDINGS = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("_sum", "_count"),
}
_WORDS = frozenset({"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "bool", "offset"})
_ALWAYS_THERE = frozenset({"job", "instance", "le"})


class Query(NamedTuple):
    """A query and where it stands."""

    where: str
    text: str


def rules() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((PROMETHEUS / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                yield f"{path.name}: {rule.get('record') or rule['alert']}", rule


def alerts() -> Iterator[dict[str, Any]]:
    return (rule for _, rule in rules() if "alert" in rule)


def queries() -> Iterator[Query]:
    for where, rule in rules():
        yield Query(where, rule["expr"])
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield Query(f"{path.name}: {panel['title']}", target["expr"])


def names_in(query: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric of a query with the labels that its selector names."""
    bare = re.sub(r"\b(by|without|on|ignoring|group_left)\s*\([^)]*\)", " ", query)
    for found in re.finditer(
        r"(?<![\w.$])([a-z_][a-z0-9_:]*)\s*(\(|\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})?", _unquoted(bare)
    ):
        name, following = found[1], found[2] or ""
        if name not in _WORDS and not following.startswith("("):
            yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", following))


def _unquoted(query: str) -> str:
    return re.sub(r"\[[^\]]*\]", " ", re.sub(r'"(?:[^"\\]|\\.)*"', "''", query))


async def exported(client: httpx.AsyncClient) -> set[str]:
    families = text_string_to_metric_families((await client.get("/metrics")).text)
    return {
        family.name.removesuffix("_total" if family.type == "counter" else "") + ending
        for family in families
        for ending in _ENDINGS[family.type]
    }


def test_names_are_found_in_a_query() -> None:
    query = 'sum by (a, b) (rate(one_total{job="x", handler=~"/y{z}"}[5m])) / max(two) > 0.9 and c:d:e < 5'
    assert list(names_in(query)) == [("one_total", {"job", "handler"}), ("two", set()), ("c:d:e", set())]


async def test_every_metric_in_rules_and_dashboards_exists(client: httpx.AsyncClient) -> None:
    recorded = {rule["record"] for _, rule in rules() if "record" in rule}
    known = await exported(client) | recorded | OF_EXPORTERS
    missing = {
        (query.where, name) for query in queries() for name, _ in names_in(query.text) if name not in known
    }
    assert not missing
    used = {name for query in queries() for name, _ in names_in(query.text)}
    assert used >= OF_EXPORTERS, "name no metric of an exporter that nobody asks for"
    assert len(used) > 50


def test_every_label_in_a_selector_exists() -> None:
    documented = (ROOT / "docs" / "operations.md").read_text()
    for query in queries():
        for name, labels in names_in(query.text):
            if not name.startswith(("bookstore_", "http_")):
                continue
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            row = re.search(rf"`{base}(?:\{{([a-z,]*)\}})?`", documented)
            assert row, f"{base} is not explained in docs/operations.md"
            assert labels - _ALWAYS_THERE <= set((row[1] or "").split(",")), (query.where, name)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_has_its_own_id_and_asks_the_provisioned_source(path: Any) -> None:
    dashboard = json.loads(path.read_text())
    source = yaml.safe_load((ROOT / "docker/grafana/provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ][0]
    assert dashboard["uid"] == f"bookstore-{path.stem}"
    assert [one.stem for one in DASHBOARDS] == ["api", "database", "shop", "worker"]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    for panel in dashboard["panels"]:
        assert panel["title"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {source["uid"]}


def test_each_alert_leads_to_its_paragraph() -> None:
    documented = (ROOT / "docs" / "operations.md").read_text()
    anchors = {
        heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", documented, re.MULTILINE)
    }
    for alert in alerts():
        file, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        assert file == "docs/operations.md"
        assert anchor in anchors, alert["alert"]
        assert anchor == alert["alert"].lower()
        assert alert["labels"]["severity"] in {"page", "ticket"}
    assert len(list(alerts())) > 15


def test_prometheus_asks_every_replica_of_the_stack() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    assert config["global"]["scrape_interval"] == "15s"
    found = {job["job_name"]: job.get("dns_sd_configs", [{}])[0] for job in config["scrape_configs"]}
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    variables = services["api"]["environment"]
    assert found["fastapi"] == {"names": ["api"], "type": "A", "port": int(variables["INTERNAL_PORT"])}
    assert found["worker"]["port"] == found["scheduler"]["port"] == int(variables["WORKER_METRICS_PORT"])
    assert "--storage.tsdb.retention.time=15d" in services["prometheus"]["command"]
    # Two networks in common would be two addresses of each replica.
    assert services["prometheus"]["networks"] == ["data"]


def test_grafana_has_no_password_of_its_own() -> None:
    grafana = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    assert grafana["environment"]["GF_SECURITY_ADMIN_PASSWORD"] == "${GRAFANA_PASSWORD-}"
    assert "exit 1" in grafana["entrypoint"][-1]
