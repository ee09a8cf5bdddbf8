"""``mapiproxy lab``: what it compares, what it shows, and the whole thing once, for each kind."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mapiproxy.commands.lab import VALUES, compare, read_log
from mapiproxy.commands.screen import Screen
from mapiproxy.commands.stage import Stage, pick_port, set_up
from mapiproxy.lab.step import Step
from mapiproxy.settings import Settings

ROOT = Path(__file__).parents[2]


def step(number: int = 1, **given: Any) -> Step:
    given = {"request_type": "Execute", "request_id": f"{{A}}:{number}", **given}
    return Step(number, 0.0, "alice@lab.test", "emsmdb", **given)


def line(request_id: str, values: int = VALUES) -> str:
    return ",".join(
        ["2026-01-05T08:00:00.000Z", f"R:{request_id};RT:Execute"] + ["x"] * (values - 2)
    )


def test_each_request_wants_a_line_of_its_own() -> None:
    sent = [step(1), step(2)]
    assert compare(sent, [line("{A}:2"), line("{A}:1")]) == []
    assert compare(sent, [line("{A}:1")]) == ["no log line for Execute of alice@lab.test (2)"]
    assert compare(sent[:1], [line("{A}:1")] * 2) == ["1 log lines belong to no request"]


def test_an_id_is_not_taken_for_a_longer_one() -> None:
    assert len(compare([step(1)], [line("{A}:11")])) == 2


@pytest.mark.parametrize("values", [VALUES - 1, VALUES + 1])
def test_a_line_has_74_values(values: int) -> None:
    (wrong,) = compare([step(1)], [line("{A}:1", values)])
    assert f"{values} values, not 74" in wrong


def test_only_whole_data_lines_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "Mapi"
    folder.mkdir()
    text = "DateTime,RequestId\r\n#Software: x\r\n#Fields: DateTime\r\na,b\r\nc,"
    (folder / "HttpProxy_2026010508-1.LOG").write_text(text, newline="")
    assert read_log(tmp_path) == ["a,b"]


class IdleService:
    """Stands in for the proxy where only the stage matters."""

    def privilegedStartService(self) -> None: ...

    def startService(self) -> None: ...


class Listening:
    """As much of a reactor as set_up needs."""

    def listenSSL(self, port: int, *rest: object, **named: object) -> Any:
        self.port += 1
        return self

    def getHost(self) -> Any:
        return self

    port = 40000


def staged(folder: Path, kind: str) -> tuple[Stage, Settings]:
    seen: list[Settings] = []

    def make_service(settings: Settings, reactor: object) -> IdleService:
        seen.append(settings)
        return IdleService()

    stage = set_up(folder, kind, 0, Listening(), make_service)
    return stage, seen[0]


@pytest.mark.parametrize("kind", ["exchange", "grommunio"])
def test_the_configuration_is_one_that_the_proxy_accepts(tmp_path: Path, kind: str) -> None:
    stage, settings = staged(tmp_path, kind)
    (group,) = settings.backends
    assert group.kind == kind
    assert [server.name for server in group.servers] == [s.name for s in stage.servers]
    assert {part.backend for part in stage.parts} == {server.name for server in group.servers}
    assert settings.listeners[0].bind[0].port == stage.port
    assert settings.log.directory == stage.log_folder


def test_a_wanted_port_is_taken_as_it_is() -> None:
    assert pick_port(4711) == 4711
    assert pick_port(0) > 0


def shown(act: Any) -> str:
    out = io.StringIO()
    act(Screen(Console(file=out, width=200)))
    return out.getvalue()


def test_rows_say_what_happened_and_show_no_cookie() -> None:
    text = shown(
        lambda screen: screen.row(
            step(
                1,
                connection=3,
                backend="EXCH1",
                status=200,
                code=0,
                late_code=17,
                first_ms=1.25,
                total_ms=400.0,
                pulses=2,
                note="as it was",
                cookies="sid:abcdef",
            )
        )
    )
    for piece in ("alice", "Execute", "EXCH1", "200/17", "1.2", "400.0", " 2 ", "as it was"):
        assert piece in text
    assert "abcdef" not in text


def test_the_summary_names_surprises_but_not_all_of_a_flood() -> None:
    good = shown(lambda screen: screen.summary([step(1, connection=1)], [], ["a,b"]))
    assert "1 requests over 1 connections" in good
    assert "Everything went as expected." in good
    bad = shown(lambda screen: screen.summary([], [f"surprise {n}" for n in range(20)], []))
    assert "surprise 11" in bad
    assert "surprise 12" not in bad
    assert "and 8 more" in bad


@pytest.mark.parametrize("kind", ["exchange", "grommunio"])
def test_the_invitation_has_whole_commands(tmp_path: Path, kind: str) -> None:
    stage, _ = staged(tmp_path, kind)
    text = shown(lambda screen: screen.invitation(stage))
    commands = [each for each in text.splitlines() if each.startswith("  curl")]
    assert len(commands) == (2 if kind == "exchange" else 1)
    assert all(f"--cacert {stage.ca_file}" in command for command in commands)


@pytest.mark.skipif(
    importlib.util.find_spec("mapiproxy.service") is None, reason="there is no service yet"
)
@pytest.mark.parametrize("kind", ["exchange", "grommunio"])
def test_once_plays_the_whole_conversation_through_the_proxy(tmp_path: Path, kind: str) -> None:
    arguments = ["lab", "--once", "--kind", kind, "--port", "0", "--folder", str(tmp_path)]
    code = "from mapiproxy.commands import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything went as expected." in done.stdout
    lines = read_log(tmp_path / "log")
    assert lines
    assert {each.count(",") + 1 for each in lines} == {VALUES}
