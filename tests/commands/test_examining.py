"""Settings and the certificates they name, looked at together."""

from __future__ import annotations

import datetime
import io
import re
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509 import load_pem_x509_certificate
from support.settings_files import PLAIN, write_certificate, write_config

from mapiproxy.commands.examining import Examination, examine, settings_or_exit

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def examined(
    folder: Path, keys: str, now: datetime.datetime | None = None
) -> tuple[Examination, list[str]]:
    """The plain file with ``keys`` in place of ``tls = false`` on line 3."""
    examination = examine(write_config(folder, PLAIN.replace("tls = false", keys)), now)
    return examination, [str(each).partition(".toml:")[2] for each in examination.problems]


def test_certificates_are_loaded(tmp_path: Path) -> None:
    write_certificate(tmp_path, "a.example.com")
    found, problems = examined(
        tmp_path, 'certificate = "a.example.com.pem"\nkey = "a.example.com.key"'
    )
    assert problems == []
    assert found.settings is not None
    ((listener, certificate),) = found.certificates
    assert (listener, certificate.names) == ("mail", ("a.example.com",))


def test_a_key_that_does_not_match_is_blamed(tmp_path: Path) -> None:
    write_certificate(tmp_path, "a.example.com")
    write_certificate(tmp_path, "b.example.com")
    found, (problem,) = examined(
        tmp_path, 'certificate = "a.example.com.pem"\nkey = "b.example.com.key"'
    )
    assert found.settings is None
    assert problem.startswith(f"4: listener.mail.key: {tmp_path}/b.example.com.key: private key")


def test_rubbish_in_a_file_is_blamed_on_its_key(tmp_path: Path) -> None:
    _, key = write_certificate(tmp_path, "a.example.com")
    (tmp_path / "rubbish.pem").write_text("rubbish")
    _, (problem,) = examined(tmp_path, f'certificate = "rubbish.pem"\nkey = "{key}"')
    assert problem.startswith("3: listener.mail.certificate: ")


def test_certificates_are_looked_at_although_something_else_is_wrong(tmp_path: Path) -> None:
    write_certificate(tmp_path, "a.example.com")
    _, problems = examined(
        tmp_path,
        'certificate = "a.example.com.pem"\nzebra = 1\n'
        '[[listener.mail.sni]]\ncertificate = "gone.pem"',
    )
    assert [each.split(": ")[1] for each in problems] == [
        "listener.mail.certificate",  # has no key
        "listener.mail.zebra",
        "listener.mail.sni[0].certificate",
    ]


def write_pkcs12(folder: Path, passphrase: bytes) -> None:
    issued = trustme.CA().issue_cert("p.example.com")
    content = pkcs12.serialize_key_and_certificates(
        None,
        load_pem_private_key(issued.private_key_pem.bytes(), None),  # type: ignore[arg-type]
        load_pem_x509_certificate(issued.cert_chain_pems[0].bytes()),
        None,
        BestAvailableEncryption(passphrase),
    )
    (folder / "p.pfx").write_bytes(content)


def test_pkcs12_with_a_passphrase(tmp_path: Path) -> None:
    write_pkcs12(tmp_path, b"sesame")
    (tmp_path / "passphrase").write_text("sesame\n")
    found, problems = examined(tmp_path, 'pkcs12 = "p.pfx"\npassphrase_file = "passphrase"')
    assert problems == []
    assert found.certificates[0][1].covers == ("p.example.com",)


def test_a_wrong_passphrase_is_not_repeated(tmp_path: Path) -> None:
    write_pkcs12(tmp_path, b"sesame")
    (tmp_path / "passphrase").write_text("wrong-word\n")
    _, (problem,) = examined(tmp_path, 'pkcs12 = "p.pfx"\npassphrase_file = "passphrase"')
    assert problem.startswith("3: listener.mail.pkcs12: ")
    assert "wrong-word" not in problem


def test_names_that_a_certificate_does_not_cover_are_warned_of(tmp_path: Path) -> None:
    for name in ("a.example.com", "b.example.com"):
        write_certificate(tmp_path, name)
    found, (problem,) = examined(
        tmp_path,
        'certificate = "a.example.com.pem"\nkey = "a.example.com.key"\n[[listener.mail.sni]]\n'
        'certificate = "b.example.com.pem"\nkey = "b.example.com.key"\nnames = ["c.example.com"]',
    )
    assert found.settings is not None
    assert problem.startswith("6: warning: listener.mail.sni[0].certificate: ")
    assert problem.endswith("is for b.example.com, not for c.example.com")


def test_a_chain_that_does_not_belong_is_warned_of(tmp_path: Path) -> None:
    write_certificate(tmp_path, "a.example.com")
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "chain.pem"))
    _, (problem,) = examined(
        tmp_path,
        'certificate = "a.example.com.pem"\nkey = "a.example.com.key"\nchain = "chain.pem"',
    )
    assert "warning: " in problem
    assert "did not issue the one before it" in problem


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (NOW - DAY, "expired on 2025-12-31"),
        (NOW + 10 * DAY, "warning: .* expires in 10 days, on 2026-01-11"),
        (NOW + 40 * DAY, None),
    ],
)
def test_dates_are_judged_by_the_time_that_is_given(
    tmp_path: Path, end: datetime.datetime, expected: str | None
) -> None:
    write_certificate(tmp_path, "a.example.com", not_after=end)
    keys = 'certificate = "a.example.com.pem"\nkey = "a.example.com.key"'
    _, problems = examined(tmp_path, keys, NOW)
    if expected is None:
        assert problems == []
    else:
        (problem,) = problems
        assert re.search(expected, problem)
    assert examined(tmp_path, keys)[1] == []


def test_a_certificate_of_the_future_is_warned_of(tmp_path: Path) -> None:
    write_certificate(tmp_path, "a.example.com")
    keys = 'certificate = "a.example.com.pem"\nkey = "a.example.com.key"'
    _, (problem,) = examined(tmp_path, keys, datetime.datetime(1999, 1, 1, tzinfo=datetime.UTC))
    assert "warning: " in problem
    assert "is not valid before 2000-01-01" in problem


def test_a_ca_file_must_hold_certificates(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("rubbish")
    text = PLAIN.replace("[log]", 'ca_file = "ca.pem"\n[log]')
    (problem,) = examine(write_config(tmp_path, text)).problems
    assert (problem.line, problem.key) == (7, "backend.exchange.ca_file")


def test_running_wants_settings_or_exits_with_1(tmp_path: Path) -> None:
    stream = io.StringIO()
    settings = settings_or_exit(write_config(tmp_path, PLAIN), stream)
    assert settings.listeners
    assert stream.getvalue() == ""
    path = write_config(tmp_path, "x = 1")
    with pytest.raises(SystemExit) as caught:
        settings_or_exit(path, stream)
    assert caught.value.code == 1
    assert f"{path}:1: x: unknown key" in stream.getvalue()
