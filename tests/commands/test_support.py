"""``mapiproxy support``."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from mapiproxy.commands import main


def support(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["support", *arguments], env={"COLUMNS": "120"})


def test_the_matrix_names_every_row_and_prerequisite() -> None:
    result = support()
    assert result.exit_code == 0
    for words in ("Outlook 2013 SP1 or later", "15.0.4569.1506", "KB2956191", "KB2965295", "Exchange 2013 RTM",
                  "15.0.847.32", ".NET Framework 4.5.2", "COMPLUS_DisableRetStructPinning=1", "Exchange 2010 SP3"):  # fmt: skip
        assert words in result.output


def test_a_pair_is_told_what_it_will_speak() -> None:
    result = support("--client", "Outlook/15.0.4815.1002", "--server", "15.00.0847.032")
    assert result.exit_code == 0
    assert "together: MAPI/HTTP" in result.output
    older = support("--client", "15.0.4420.1017", "--server", "15.00.0847.032")
    assert older.exit_code == 1
    assert "client: Outlook 2013 RTM (15.0.4420.1017), speaks Outlook Anywhere" in older.output
    assert "together: Outlook Anywhere" in older.output


def test_scripts_get_json() -> None:
    pair = json.loads(support("--client", "14.0.7015.1000", "--server", "15.2.1118.7", "--json").output)
    assert pair["protocol"] == "MAPI/HTTP"
    assert pair["client"]["advice"] == "needs KB2956191, KB2965295"
    assert len(json.loads(support("--json").output)["servers"]) > 5


def test_one_alone_is_told_of_itself() -> None:
    result = support("--server", "nonsense")
    assert result.exit_code == 1
    assert "server: unknown, speaks nobody knows what" in result.output
    assert "together" not in result.output
