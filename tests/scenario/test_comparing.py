"""The comparison with other products: what is played, what the table says, and one real round where they are there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from support.played import played

from mapiproxy.scenario.comparing import OURS, Job, Result, contexts_of, harm_of, jobs_of, markdown, table_of
from mapiproxy.scenario.judging import Finding
from mapiproxy.scenario.library import known
from mapiproxy.scenario.peers import NoPeer, find_program, why_not
from mapiproxy.scenario.reading import Scenario, load_scenario

ROOT = Path(__file__).resolve().parents[2]
SHORT = """\
title = "A reset in a few seconds"
why = "short enough for a test"
causes = ["reset"]
seed = 3
duration = "30s"

[[device]]
name = "firewall"
place = "client-side"

[[client]]
name = "alice"
profile = "online"

[[step]]
at = "15s"
do = "fault"
device = "firewall"
rule = {fault = "reset", request_type = "Execute", phase = "before_answer", limit = 1}

[expect]
executes = {min = 1}
executed_twice = 0
"""


def scenario(name: str) -> Scenario:
    return load_scenario(known()[name])


def test_every_product_gets_every_scenario_with_every_kind() -> None:
    jobs = jobs_of([scenario("backend-crash")], None, [OURS, "nginx"])
    assert [(job.scenario.name, job.kind, job.product) for job in jobs] == [
        ("backend-crash", kind, product) for kind in ("exchange", "grommunio") for product in (OURS, "nginx")
    ]
    assert len(jobs_of([scenario("backend-crash")], "exchange", [OURS])) == 1


def test_what_needs_our_own_orders_or_several_nodes_is_not_played() -> None:
    assert "order" in str(why_not(scenario("drain")))
    assert "nodes" in str(why_not(scenario("node-lost")))
    assert why_not(scenario("backend-crash")) is None


def results() -> list[Result]:
    job = Job(scenario("backend-crash"), "exchange", OURS)
    bad = Finding("contexts_lost", False, "0", "3", 9)
    people = contexts_of(scenario("backend-crash")) or 0
    good = {"connects": people, "outage_max": 0.2}
    harm = {"connects": people + 3, "executes_unknown": 1, "outage_max": 19.6, "offline": 0}
    return [
        Result(job, played(facts=good)),
        Result(evolve(job, product="haproxy"), played(bad, facts=harm)),
        Result(evolve(job, product="nginx"), played(error="crash: nobody there")),
        Result(Job(scenario("drain"), "exchange", OURS), why="needs an order"),
    ]


def test_the_table_has_a_row_for_what_was_played_and_says_what_went_wrong() -> None:
    table = table_of(results())
    assert table == [
        ["scenario", "servers", OURS, "haproxy", "nginx"],
        ["backend-crash", "exchange", "nothing",
         "3 contexts anew, 1 Execute of unknown outcome, 20 s without service", "error"],
    ]


def test_what_is_worst_comes_first_and_what_nobody_notices_is_nothing() -> None:
    assert harm_of({"outage_max": 4.9, "waits_lost": 7, "connects": 2}, 2) == "nothing"
    assert harm_of({"connects": 3, "wrong_answers": 2}, 2) == "2 WRONG ANSWERS, 1 context anew"


def test_where_people_come_and_go_it_counts_what_they_lost() -> None:
    assert contexts_of(scenario("crashed-outlook")) is None
    assert harm_of({"connects": 9, "contexts_lost": 2, "reconnects": 1}, None) == "2 contexts anew"


def test_markdown_keeps_its_columns_whatever_stands_in_a_cell() -> None:
    text = markdown([["a", "b"], ["1|2", "3"]])
    assert text == "| a | b |\n| --- | --- |\n| 1\\|2 | 3 |\n"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from mapiproxy.commands import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "lab", "compare", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("product", ["haproxy", "nginx"])
def test_other_products_play_for_real(tmp_path: Path, product: str) -> None:
    """Only where Debian's packages are installed."""
    try:
        find_program(product)
    except NoPeer as error:
        pytest.skip(str(error))
    (tmp_path / "short.toml").write_text(SHORT)
    table = tmp_path / "table.md"
    done = run(str(tmp_path / "short.toml"), "--with", OURS, "--with", product, "--speed", "5", "--at-once", "4",
               "--markdown", str(table), "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = json.loads(done.stdout)
    assert [each["product"] for each in told] == [OURS, product, OURS, product]
    for each in told:
        assert each["error"] is None, each
        assert each["facts"]["executes"] >= 1, each
        assert each["facts"]["executed_twice"] == 0, each
        assert each["facts"]["left_open"] == 0, each
    assert table.read_text().startswith(f"| scenario | servers | {OURS} | {product} |\n")
    assert table.read_text().count("\n") == 4


def test_nothing_to_play_is_2() -> None:
    done = run("drain", "--with", "haproxy")
    assert done.returncode == 2
    assert "is an order to our proxy" in done.stdout or "not on this machine" in done.stderr


def test_nothing_named_is_a_mistake() -> None:
    assert run().returncode == 2
