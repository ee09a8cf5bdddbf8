"""The effective configuration in words."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve, fields
from support.settings_files import PLAIN, write_config

from mapiproxy.backends.kind import Kind
from mapiproxy.settings import (
    Admin,
    BackendGroup,
    Bind,
    CertificateFiles,
    Listener,
    ListenerTls,
    Log,
    Proxy,
    Server,
    Settings,
    Timeouts,
    Verify,
    describe,
    load_settings,
)
from mapiproxy.settings.words import outline

BY_NAME = Verify()


def pair(verify: Verify = BY_NAME, weights: tuple[int, int] = (100, 50)) -> Settings:
    servers = tuple(
        Server(f"EXCH{n}", f"https://exch{n}", f"exch{n}", 443, True, weight)
        for n, weight in enumerate(weights, 1)
    )
    certificates = (
        CertificateFiles(certificate=Path("/c/mail.pem")),
        CertificateFiles(pkcs12=Path("/c/other.pfx"), names=("other.example.com",)),
    )
    return Settings(
        listeners=(Listener("mail", (Bind("::", 443),), ListenerTls(certificates), "ex"),),
        backends=(BackendGroup("ex", Kind.EXCHANGE, servers, verify=verify),),
        log=Log(directory=Path("/logs"), server_name="MAIL1"),
        proxy=Proxy("mail1"),
    )


def test_everything_in_effect_is_said() -> None:
    text = describe(pair())
    for words in (
        "Listener mail\n",
        "[::]:443",
        "1.2 or later, intermediate suites",
        "/c/mail.pem for the names in it; clients without a known name",
        "/c/other.pfx for other.example.com",
        "mapi to ex; 404 for the rest",
        "Backend ex (exchange)\n",
        "EXCH1: https://exch1, weight 100 (67% of mailboxes)",
        "EXCH2: https://exch2, weight 50 (33% of mailboxes)",
        "against the authorities of this system",
        "128KiB",
        "20000 clients",
        "/logs, one folder per protocol",
        "15.02.2562.045 on MAIL1",
        "hourly and at 10MB",
    ):
        assert words in text


def test_every_timeout_is_described() -> None:
    (section,) = (each for each in outline(pair()) if each.title == "Timeouts")
    assert [label for label, _ in section.lines] == [each.name for each in fields(Timeouts)]
    assert ("client_idle", "  15m  between requests of a client") in section.lines


def test_how_backends_are_verified() -> None:
    assert "NOT AT ALL" in describe(pair(Verify(off=True)))
    assert "against /c/ca.pem" in describe(pair(Verify(ca=Path("/c/ca.pem"))))
    pinned = describe(pair(Verify(fingerprint=("ab" * 32,))))
    assert "by pinned fingerprint abababab…abab" in pinned


def test_a_server_without_weight_takes_no_new_mailboxes() -> None:
    assert "weight 0 (no new mailboxes)" in describe(pair(weights=(100, 0)))
    assert describe(pair(weights=(0, 0))).count("no new mailboxes") == 2


def test_what_is_off_is_called_off(tmp_path: Path) -> None:
    path = write_config(tmp_path, PLAIN + "enabled = false\n")
    text = describe(load_settings(path))
    assert "off: plain HTTP" in text
    assert "Log\n    off\n" in text


def test_where_the_status_page_will_be_and_what_it_asks_for() -> None:
    def said(admin: Admin) -> str:
        return describe(evolve(pair(), admin=admin))

    assert "status page  none: add [admin] bind to have one" in said(Admin())
    here = Bind("127.0.0.1", 8444)
    assert "status page  http://127.0.0.1:8444/ for whoever is on this machine, asks for nothing" in said(Admin(here))
    away = Admin(
        Bind("::", 8444), ("admin.example.com",), Path("/t"), Path("/ca"), Path("/c"), read_only=True
    )
    assert (
        "status page  https://[::]:8444/ asks for a token of /t and a client certificate of /ca, read only\n"
        "               also by the name of admin.example.com" in said(away)
    )
