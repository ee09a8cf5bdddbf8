"""``mapiproxy lab list`` and ``run``: what is printed, what is written, and how it exits."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result
from support.scenarios import FRAME, step

from mapiproxy.commands import main
from mapiproxy.scenario import playing
from mapiproxy.scenario.reading import Scenario
from mapiproxy.scenario.verdict import Played

SHORT = FRAME.replace('"60s"', '"20s"')


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, ["lab", *words])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good-one.toml"
    path.write_text(SHORT + "[expect]\nreconnects = 0\n")
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad-one.toml"
    path.write_text(SHORT + "[expect]\nreconnects = 7\n")
    return path


def test_list_shows_all_and_for_scripts_everything() -> None:
    shown = invoke("list")
    plain = json.loads(invoke("list", "--json").stdout)

    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[0].split() == ["NAME", "TITLE", "CAUSES", "SERVERS", "LASTS", "TIME"]
    assert len(shown.stdout.splitlines()) == len(plain) + 1 >= 21
    assert {"name", "title", "why", "causes", "kinds", "duration", "time", "seed", "file"} == set(plain[0])
    assert any(line.startswith("vpn-flaps") for line in shown.stdout.splitlines())


def test_a_good_one_exits_with_0_and_a_line_of_verdict(good: Path) -> None:
    result = invoke("run", str(good))

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("ok      good-one (exchange): 0 reconnects")
    assert lines[1].startswith("ok      good-one (grommunio): 0 reconnects")
    assert lines[2].startswith("2 of 2 as expected, in ")


def test_a_bad_one_exits_with_1_and_names_the_line(good: Path, bad: Path) -> None:
    result = invoke("run", str(good), str(bad), "--kind", "exchange")

    assert result.exit_code == 1
    assert "FAILED  bad-one (exchange): reconnects: expected 7, got 0" in result.stdout
    assert "FAILED  reconnects: expected 7, got 0  (bad-one.toml:11)" in result.stdout
    assert "1 of 2 as expected" in result.stdout
    assert "starts" not in result.stdout
    assert re.search(r"(0\.\ds|0:01) +alice +starts", invoke("run", str(bad), "-v").stdout)


def test_what_cannot_be_played_exits_with_2(tmp_path: Path, good: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text(SHORT + step("1s", "lose_proxy") + "[expect]\nreconnects = 0\n")
    unread = tmp_path / "unread.toml"
    unread.write_text("titel = 1\n")

    assert invoke("run", str(broken)).exit_code == 2
    result = invoke("run", str(unread), str(good))
    assert result.exit_code == 2
    assert "unread.toml:1: titel: unknown key" in result.stderr
    assert invoke("run", "no-such-one").exit_code == 2
    only = tmp_path / "only.toml"
    only.write_text(SHORT.replace('["exchange", "grommunio"]', '["exchange"]') + "[expect]\nwaits = {min = 0}\n")
    assert invoke("run", str(only), "--kind", "grommunio").exit_code == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run",), "name scenarios, or give --all"),
        (("run", "drain", "--all"), "name scenarios, or give --all"),
        (("run", "drain", "--user", "a@b:c"), "are for --target"),
        (("run", "drain", "--target", "https://x"), "--target needs --kind"),
        (("run", "drain", "--kind", "exchange", "--target", "https://x"), "needs accounts"),
        (("run", "drain", "--kind", "exchange", "--target", "x", "--user", "a@b:c"), "a server is a URL"),
    ],
)
def test_wrong_use_is_said(words: tuple[str, ...], says: str) -> None:
    result = invoke(*words)

    assert result.exit_code == 2
    assert says in result.stderr


def test_reports_are_written(good: Path, bad: Path, tmp_path: Path) -> None:
    report, junit = tmp_path / "new" / "report", tmp_path / "junit.xml"
    words = ("--kind", "exchange", "--report", str(report), "--junit", str(junit), "-v")
    result = invoke("run", str(good), str(bad), *words)

    assert result.exit_code == 1
    assert f"report: {report / 'report.html'}" in result.stdout
    assert "ok      executed_twice: 0" in result.stdout
    assert "1 of 2 scenarios as expected" in (report / "report.html").read_text()
    assert [each["ok"] for each in json.loads((report / "report.json").read_text())["scenarios"]] == [True, False]
    assert ET.parse(junit).getroot().get("failures") == "1"


def test_json_is_all_that_is_printed(good: Path) -> None:
    result = invoke("run", str(good), "--kind", "exchange", "--json", "--seed", "42")
    (played,) = json.loads(result.stdout)["scenarios"]

    assert (played["seed"], played["ok"], result.exit_code) == (42, True, 0)


def test_a_report_that_cannot_be_written_is_said(good: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = invoke("run", str(good), "--kind", "exchange", "--junit", str(tmp_path / "file" / "x.xml"))

    assert result.exit_code == 2
    assert "could not be written" in result.stderr
    assert result.stdout == "", "it is told before anything is played"


def test_what_was_played_before_an_interrupt_is_reported(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = playing.play_virtually
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def play(scenario: Scenario, kind: str, seed: int | None) -> Played:
        if kind == "grommunio":
            signal.raise_signal(signal.SIGINT)
        return plain(scenario, kind, seed)

    monkeypatch.setattr(playing, "play_virtually", play)
    try:
        result = invoke("run", str(good), "--report", str(tmp_path / "out"))
    finally:
        signal.signal(signal.SIGINT, before)

    assert result.exit_code == 2
    assert "(grommunio): the rest was not played" in result.stderr
    (told,) = json.loads((tmp_path / "out" / "report.json").read_text())["scenarios"]
    assert (told["kind"], told["ok"]) == ("exchange", True)
