"""Virtual directories, as a file names them."""

from __future__ import annotations

from pathlib import Path

from support.settings_files import PLAIN, write_config

from mapiproxy.backends.vdir import SHAPES
from mapiproxy.settings import load_settings, read_settings


def vdirs(tmp_path: Path, more: str, tail: str = "") -> dict[str, object]:
    text = PLAIN.replace("[log]", f"{more}\n[log]") + tail
    (group,) = load_settings(write_config(tmp_path, text)).backends
    return {vdir.name: vdir for vdir in group.vdirs}


def complaints(tmp_path: Path, more: str) -> list[str]:
    reading = read_settings(write_config(tmp_path, PLAIN + more))
    return [str(problem).partition(": ")[2] for problem in reading.problems.in_order()]


def test_the_kind_says_what_there_is_and_tables_add_to_it(tmp_path: Path) -> None:
    assert set(vdirs(tmp_path, "")) == set(SHAPES) - {"powershell"}
    assert set(vdirs(tmp_path, "", "[backend.exchange.vdir.powershell]\n")) == set(SHAPES)
    assert set(vdirs(tmp_path, 'vdirs = ["mapi", "rpc"]')) == {"mapi", "rpc"}


def test_a_table_says_urls_and_methods_or_switches_off(tmp_path: Path) -> None:
    tail = """
[backend.exchange.vdir.mapi]
external_url = "https://mail.example.com/mapi"
iis_authentication_methods = ["NTLM", "OAuth"]
[backend.exchange.vdir.owa]
enabled = false
"""
    found = vdirs(tmp_path, "", tail)
    mapi, owa = found["mapi"], found["owa"]
    assert (mapi.external_url, mapi.internal_url) == ("https://mail.example.com/mapi", None)
    assert mapi.schemes == {"ntlm", "bearer"}
    assert not owa.enabled


def test_what_cannot_be_is_said_with_its_place(tmp_path: Path) -> None:
    found = complaints(
        tmp_path,
        """
[backend.exchange.vdir.mapy]
[backend.exchange.vdir.mapi]
internal_url = "https://mail.example.com/owa"
iis_authentication_methods = []
[backend.exchange.vdir.ews]
iis_authentication_methods = ["NTLM", "NTLM"]
[backend.exchange.vdir.oab]
iis_authentication_methods = ["Digest"]
""",
    )
    for words in (
        'backend.exchange.vdir.mapy: there is no virtual directory "mapy"',
        'did you mean "mapi"?',
        "backend.exchange.vdir.mapi.internal_url: must end in /mapi",
        "backend.exchange.vdir.mapi.iis_authentication_methods: name at least one of Basic, NTLM",
        'iis_authentication_methods[1]: "NTLM" stands there twice',
        'must be "Basic" or "NTLM" or "Negotiate" or "OAuth", not "Digest"',
    ):
        assert any(words in each for each in found), (words, found)


def test_nothing_published_is_an_error(tmp_path: Path) -> None:
    reading = read_settings(write_config(tmp_path, PLAIN.replace("[log]", "vdirs = []\n[log]")))
    assert any("nothing would be forwarded" in str(each) for each in reading.problems.found)


def test_a_mailbox_is_blocked_or_allowed_and_not_both(tmp_path: Path) -> None:
    more = 'mapi_http_enabled = false\nmapi_http_allowed = "Alice@example.com"\nmapi_http_blocked = ["bob@example.com"]'
    (group,) = load_settings(write_config(tmp_path, PLAIN.replace("[log]", f"{more}\n[log]"))).backends
    assert group.mapi_http.allows("alice@example.com")
    assert not group.mapi_http.allows("bob@example.com")
    both = more.replace("bob@", "alice@")
    reading = read_settings(write_config(tmp_path, PLAIN.replace("[log]", f"{both}\n[log]")))
    assert [str(each).partition(": ")[2] for each in reading.problems.found] == [
        'backend.exchange.mapi_http_allowed[0]: "alice@example.com" is blocked as well'
    ]
