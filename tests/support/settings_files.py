"""Configuration files and certificates to try settings with, made in a test's own folder."""

from __future__ import annotations

import datetime
from pathlib import Path

import trustme

from mapiproxy.settings import Problem, read_settings

#: The least that can be run; needs no files. Lines are counted on in tests: do not reorder.
PLAIN = """\
[listener.mail]
bind = "127.0.0.1:8080"
tls = false
[backend.exchange]
kind = "exchange"
servers = ["https://exch1.example.com", "https://exch2.example.com"]
[log]
directory = "logs"
"""


def write_config(folder: Path, text: str) -> Path:
    path = folder / "mapiproxy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(folder: Path, text: str) -> list[Problem]:
    """All problems, in order."""
    return read_settings(write_config(folder, text)).problems.in_order()


def complaints(folder: Path, text: str) -> list[str]:
    """All problems as ``line: [warning: ]key: text``."""
    return [str(each).partition(".toml:")[2] for each in problems_of(folder, text)]


def write_certificate(
    folder: Path,
    name: str,
    authority: trustme.CA | None = None,
    not_after: datetime.datetime | None = None,
) -> tuple[Path, Path]:
    """Files ``NAME.pem`` and ``NAME.key`` of a certificate for ``name``."""
    issued = (authority or trustme.CA()).issue_cert(name, not_after=not_after)
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return certificate, key
