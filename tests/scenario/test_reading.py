"""A scenario's file: what is wrong with it is told with its line, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapiproxy.scenario.reading import load_scenario, names_of, read_scenario
from mapiproxy.scenario.shape import ClientTable
from mapiproxy.settings import SettingsError

GOOD = """\
title = "A test"
why = "To see."
causes = ["reset"]
duration = "5m"
[servers]
count = 3
expiry = "10m"
idle_limit = "never"
[proxy]
extra = "[guard]"
[[device]]
name = "wan"
place = "client-side"
rules = [{fault = "latency", delay = "200ms"}]
[[client]]
name = "alice"
count = 2
[[client]]
name = "bob"
network = "home"
opens = "20s"
[[step]]
at = "90s"
do = "crash"
server = "mbx3"
[[step]]
at = "30s"
do = "hibernate"
client = ["alice2", "bob"]
name = "lid"
[expect]
reconnects = 0
"""


def complaints(text: str, name: str = "a-test.toml") -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_scenario(text, Path(name))
    return [str(problem) for problem in caught.value.problems]


def changed(old: str, new: str) -> tuple[str, int]:
    """The good text with something else in it, and the line of that."""
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    return text, GOOD[: GOOD.index(old)].count("\n") + 1


def test_a_good_one_is_read_and_its_steps_are_in_the_order_of_time() -> None:
    scenario = read_scenario(GOOD, Path("a-test.toml"))

    assert scenario.name == "a-test"
    assert scenario.kinds == ("exchange", "grommunio")
    assert [(step.at, step.name, step.line) for step in scenario.steps] == [(30, "lid", 26), (90, "crash", 22)]
    assert [name for name, _ in scenario.people] == ["alice", "alice2", "bob"]
    assert scenario.server_names == ("MBX1", "MBX2", "MBX3")
    assert (scenario.servers.expiry, scenario.servers.idle_limit) == (600, None)
    assert set(scenario.expected) == {"exchange", "grommunio"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('title = "A test"', 'titel = "A test"', 'titel: unknown key; did you mean "title"?'),
        ('duration = "5m"', "duration = 5", 'a duration needs a unit (ms, s, m, h, d): write "5s"'),
        ('causes = ["reset"]', 'causes = ["rset"]', 'causes[0]: unknown cause "rset"; did you mean "reset"?'),
        ("count = 3", "count = 12", "servers.count: must be from 1 to 9"),
        ('expiry = "10m"', 'expyri = "10m"', 'servers.expyri: unknown key; did you mean "expiry"?'),
        ('place = "client-side"', 'place = "middle"', 'place: must be "client-side" or "server-side"'),
        ('fault = "latency"', 'fault = "latncy"', "did you mean latency"),
        ('delay = "200ms"', 'dealy = "200ms"', "unknown key dealy; did you mean delay"),
        ("count = 2", "count = 1000", "client[0].count: must be from 1 to 500"),
        # As many names, or servers, would not fit into any memory.
        ("count = 2", "count = 999999999999999999", "client[0].count: must be from 1 to 500"),
        ("count = 3", "count = 999999999999999999", "servers.count: must be from 1 to 9"),
        ('name = "bob"', 'name = "alice"', 'there is another client "alice"'),
        ('do = "crash"', 'do = "crahs"', 'step[0].do: unknown: "crahs"; did you mean "crash"?'),
        ('at = "90s"', 'at = "9m"', "step[0].at: is not before the end of the scenario"),
        ('server = "mbx3"', 'server = "mbx4"', 'step[0].server: there is no server "mbx4"'),
        ('server = "mbx3"', 'sever = "mbx3"', 'step[0].sever: unknown key; did you mean "server"?'),
        ('["alice2", "bob"]', '"carol"', 'step[1].client: there is no client "carol"; known: '),
        ("reconnects = 0", "reconects = 0", 'expect.reconects: nothing of that name can be expected; did you'),
        ("reconnects = 0", 'reconnects = "0s"', "expect.reconnects: must be a whole number"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(old: str, new: str, says: str) -> None:
    text, line = changed(old, new)
    told = complaints(text)

    assert any(each.startswith(f"a-test.toml:{line}: ") and says in each for each in told), told


@pytest.mark.parametrize("key", ["title", "why", "causes", "duration"])
def test_what_every_scenario_needs_is_missed(key: str) -> None:
    text = "\n".join(line for line in GOOD.splitlines() if not line.startswith(f"{key} = "))

    assert any(f"{key}: missing; every scenario has" in each for each in complaints(text))


def test_all_mistakes_are_told_at_once() -> None:
    text = GOOD.replace('"5m"', "5").replace("crash", "crahs").replace("reconnects", "reconects")

    assert len(complaints(text)) >= 3


def test_devices_stand_where_there_is_somebody() -> None:
    wrong = GOOD.replace('place = "client-side"', 'place = "client-side"\nnetwork = "moon"\nserver = "mbx1"')
    told = complaints(wrong)

    assert any('no client is ever in a network "moon"' in each for each in told)
    assert any("a client-side device is before the proxy" in each for each in told)


def test_what_is_no_toml_or_no_text_is_told_with_its_line(tmp_path: Path) -> None:
    assert complaints("title = \n")[0].startswith("a-test.toml:1: not valid TOML")
    path = tmp_path / "bad.toml"
    path.write_bytes(b'title = "x"\nwhy = "\xff"\n')
    with pytest.raises(SettingsError, match=r"bad.toml:2: not UTF-8 text"):
        load_scenario(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        load_scenario(tmp_path / "none.toml")


def test_a_file_has_a_name_that_can_be_typed() -> None:
    assert '"A Test" is no name' in complaints(GOOD, "A Test.toml")[0]


def test_many_people_are_numbered() -> None:
    assert names_of(ClientTable("alice", 3)) == ["alice", "alice2", "alice3"]


def test_where_bytes_are_counted_handshakes_have_to_be_equally_long() -> None:
    device = 'rules = [{fault = "latency", delay = "200ms"}]'
    slow = GOOD.replace(device, 'rules = [{fault = "bandwidth", rate = "4KiB"}]')
    step = '[[step]]\nat = "1s"\ndo = "fault"\ndevice = "wan"\nrule = {fault = "reset", after_bytes = 100}\n'

    assert not read_scenario(GOOD, Path("a-test.toml")).counts_bytes
    assert read_scenario(slow, Path("a-test.toml")).counts_bytes
    assert read_scenario(GOOD.replace("[expect]", step + "[expect]"), Path("a-test.toml")).counts_bytes
