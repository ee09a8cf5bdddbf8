"""Names of metrics: what they promise, and that README and alert rules use no others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from mapiproxy.admin.catalogue import METRICS, Described

ROOT = Path(__file__).resolve().parent.parent.parent
RULES = ROOT / "conf" / "prometheus-rules.yaml"
_NAME = re.compile(r"\bmapiproxy_[a-z0-9_]+\b")
PERSONAL = {"user", "mailbox", "ip", "client", "session", "host", "path", "address"}


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_names_follow_the_custom(metric: Described) -> None:
    """https://prometheus.io/docs/practices/naming/: base units, _total for counters, a HELP."""
    assert re.fullmatch(r"mapiproxy_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert not re.search(r"_(ms|milliseconds|us|kb|mb|percent)(_|$)", metric.name)
    assert metric.help.endswith(".")
    assert "\n" not in metric.help
    assert not PERSONAL & set(metric.labels)


def test_readme_and_catalogue_name_the_same_metrics() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("\n## Metrics\n")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("| `mapiproxy_")]
    told = {}
    for line in table:
        names, labels, _ = (cell.strip() for cell in line.strip("|").split(" | ", 2))
        for name in re.findall(r"`([a-z_]+)`", names):
            told[name] = tuple(re.findall(r"`([a-z_]+)`", labels))

    assert told == {name: metric.labels for name, metric in METRICS.items()}


def test_rules_name_only_metrics_and_labels_that_exist() -> None:
    suffixes = ("_bucket", "_sum", "_count")
    labels = {"le", *(label for metric in METRICS.values() for label in metric.labels)}
    for rule in rules():
        names = _NAME.findall(rule["expr"])
        assert names, rule["alert"]
        for name in names:
            base = next((name.removesuffix(s) for s in suffixes if name.endswith(s)), name)
            assert name in METRICS or METRICS[base].kind == "histogram", name
        used = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", rule["expr"])
        used += [word for group in re.findall(r"\b(?:by|on|without)\s*\(([^)]*)\)", rule["expr"])
                 for word in re.findall(r"\w+", group)]  # fmt: skip
        assert set(used) <= labels, rule["alert"]
        shown = re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))
        assert set(shown) <= labels


def test_every_rule_says_what_to_do() -> None:
    for rule in rules():
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"critical", "warning"}
    assert len(rules()) >= 5
