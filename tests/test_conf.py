"""The annotated example can be run, names every key there is, and states the defaults rightly."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import trustme
from attrs import fields_dict
from click.testing import CliRunner
from support.settings_files import write_certificate, write_config

from mapiproxy.backends.health import HealthRules
from mapiproxy.backends.vdir import USUAL
from mapiproxy.commands import main
from mapiproxy.lab.authority import Authority
from mapiproxy.policy.usage import Quotas
from mapiproxy.settings import (
    Admin,
    Affinity,
    Control,
    Guard,
    Lab,
    Limits,
    Log,
    Proxy,
    Settings,
    Timeouts,
    load_settings,
)
from mapiproxy.settings.problems import Problems
from mapiproxy.settings.structure import read_tables
from mapiproxy.settings.tables import (
    BackendTable,
    CertificateTable,
    FileTable,
    FirewallTable,
    ListenerTable,
    ServerTable,
    VdirTable,
)

EXAMPLE = (Path(__file__).parent.parent / "conf" / "mapiproxy.toml").read_text(encoding="utf-8")


def placed(text: str, folder: Path) -> Path:
    """An example, with its paths led into a folder that has such files."""
    authority = trustme.CA()
    for name in ("mail.example.com", "outlook.example.org"):
        write_certificate(folder, name, authority)
    authority.cert_pem.write_to_path(str(folder / "corp-ca.pem"))
    (folder / "route.key").write_text("a key of sixteen bytes or more\n")
    (folder / "route.key").chmod(0o600)
    for there in ("/etc/mapiproxy", "/run/mapiproxy", "/var/log"):
        text = text.replace(there, str(folder))
    if "[log]" not in text:
        text += f'\n[log]\ndirectory = "{folder}"\n'
    return write_config(folder, text)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(placed(EXAMPLE, tmp_path))


def test_the_example_can_be_run(settings: Settings) -> None:
    (listener,) = settings.listeners
    assert listener.tls is not None
    assert len(listener.tls.certificates) == 2
    (group,) = settings.backends
    assert [(each.name, each.weight) for each in group.servers] == [("EXCH1", 100), ("EXCH2", 50)]


def test_the_example_for_two_nodes_can_be_run(tmp_path: Path) -> None:
    text = (Path(__file__).parent.parent / "conf" / "two-nodes.toml").read_text(encoding="utf-8")
    settings = load_settings(placed(text, tmp_path))

    assert [server.name for server in settings.backends[0].servers] == ["gx01", "gx02", "gx03"]
    assert settings.affinity.key_file == tmp_path / "route.key"
    assert settings.control.socket == tmp_path / "control.sock"
    assert (settings.health.fall, settings.timeouts.stop) == (2, 20.0)


@pytest.mark.parametrize(("name", "kind"), [("exchange", "exchange"), ("grommunio", "grommunio")])
def test_the_pages_for_deployment_are_accepted_by_check(tmp_path: Path, name: str, kind: str) -> None:
    text = (Path(__file__).parent.parent / "conf" / f"{name}.toml").read_text(encoding="utf-8")
    Authority(tmp_path / "ca").issue("mail.example.com").write_pkcs12(b"secret").replace(
        tmp_path / "mail.example.com.pfx"
    )
    (tmp_path / "passphrase").write_text("secret\n")
    path = placed(text, tmp_path)
    result = CliRunner().invoke(main, ["check", str(path)])

    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    (group,) = load_settings(path).backends
    assert group.kind.value == kind
    assert len(group.vdirs) == len(USUAL[group.kind])


def known_keys() -> list[tuple[str, str]]:
    tables: list[Any] = [
        FileTable, ListenerTable, CertificateTable, BackendTable, ServerTable,
        Timeouts, Limits, Log, Proxy, HealthRules, Affinity, Control, Admin, Guard, Quotas, VdirTable, FirewallTable,
        Lab,
    ]  # fmt: skip
    return [(table.__name__, key) for table in tables for key in fields_dict(table)]


@pytest.mark.parametrize(("table", "key"), known_keys())
def test_every_key_is_in_the_example(table: str, key: str) -> None:
    assignment = rf"^(# )?{key} = "
    header = rf"^\[{{1,2}}([a-z]+\.)*{key}(\.[a-z]+)*\]"
    assert re.search(f"{assignment}|{header}", EXAMPLE, re.MULTILINE), f"{key} of {table}"


def test_the_defaults_in_comments_are_the_defaults() -> None:
    """Everything from [timeouts] on is uncommented and read: it must change nothing."""
    text = "[timeouts]" + EXAMPLE.split("\n[timeouts]")[1]
    text = re.sub(r"^# ([a-z_]+ = )", r"\1", text, flags=re.MULTILINE)
    document = tomllib.loads(text)
    for own in (document["log"], document["proxy"]):  # the machine's name
        own.pop("server_name", None)
        own.pop("name", None)
    off = [("affinity", "key_file"), ("control", "socket")]
    off += [("admin", key) for key in ("bind", "token_file", "client_ca", "certificate", "key")]
    for table, key in off:
        document[table].pop(key)
    assert {name: set(keys) for name, keys in document.items()} == {
        "timeouts": set(fields_dict(Timeouts)),
        "limits": set(fields_dict(Limits)),
        "log": set(fields_dict(Log)) - {"server_name"},
        "proxy": set(),
        "health": set(fields_dict(HealthRules)),
        "affinity": set(),
        "control": set(),
        "admin": {"names", "read_only"},
        "guard": set(fields_dict(Guard)),
        "quotas": set(fields_dict(Quotas)),
        "lab": set(fields_dict(Lab)),
    }
    problems = Problems(Path("example"))
    assert read_tables(document, Path("/"), problems) == FileTable()
    assert problems.found == []


@pytest.mark.parametrize(
    "default", ["tls = true", 'tls_policy = "intermediate"', 'tls_minimum = "1.2"',
                'verify = "on"', "weight = 100", "mapi_http_enabled = true",
                "allow_ssl_offload = false", "enabled = true"],
)  # fmt: skip
def test_other_defaults_are_shown_too(default: str) -> None:
    assert re.search(rf"^# {re.escape(default)}( |$)", EXAMPLE, re.MULTILINE)
