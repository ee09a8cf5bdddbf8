"""Can this configuration be run? Settings and the certificates they name, looked at together.

``check``, ``run`` and the twistd plugin all ask this. A certificate's dates are the business of
``check`` alone: a service must come up again with an expired certificate rather than not at all.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from attrs import frozen
from cryptography.x509 import ExtensionNotFound, SubjectAlternativeName

from mapiproxy.net.certificates import (
    BadCertificate,
    Certificate,
    CertificateSource,
    is_covered,
    load_certificate,
    read_certificates,
)
from mapiproxy.settings import (
    BackendGroup,
    CertificateFiles,
    Listener,
    Problem,
    Settings,
    read_passphrase,
    read_settings,
)
from mapiproxy.settings.problems import KeyPath, Problems

#: A certificate that expires within this time is worth a warning.
SOON = timedelta(days=30)

_FILE_KEYS = ("certificate", "key", "chain", "pkcs12", "passphrase_file")


@frozen
class Examination:
    """What a file would run (``None`` with errors), everything found wrong, sorted by line, and the
    certificates that could be loaded with the names of their listeners.
    """

    settings: Settings | None
    problems: tuple[Problem, ...]
    certificates: tuple[tuple[str, Certificate], ...]


def examine(path: Path, now: datetime | None = None, *, lab: bool | None = None) -> Examination:
    """Read a file and the certificates it names; ``now`` (aware) is to judge their dates by.

    :param lab: whether ``--lab`` was given; ``None`` if nothing is going to run.
    """
    reading = read_settings(path)
    problems, draft = reading.problems, reading.draft
    if draft is not None:
        _turn_keys(draft.lab.enabled, lab, problems)
    certificates = []
    for listener, table, files in _certificate_files(draft):
        certificate = _load(files, table, problems)
        if certificate is not None:
            certificates.append((listener, certificate))
            key: KeyPath = (*table, "pkcs12" if files.pkcs12 else "certificate")
            for text in _oddities(certificate):
                problems.warning(key, text)
            if now is not None:
                _judge_dates(certificate, now, key, problems)
    for front in draft.listeners if draft else ():
        mine = [each for name, each in certificates if name == front.name]
        for group in draft.backends if draft and mine else ():
            if group.name == front.backend:
                for vdir, url, text in uncovered(front, group, mine):
                    problems.warning(("backend", group.name, "vdir", vdir, url), text)
    for key, path_of_ca in _authorities(draft):
        if key not in problems.blamed:
            try:
                read_certificates(path_of_ca)
            except BadCertificate as error:
                problems.error(key, str(error))
    return Examination(reading.settings, tuple(problems.in_order()), tuple(certificates))


def uncovered(
    listener: Listener, group: BackendGroup, certificates: Sequence[Certificate]
) -> Iterator[tuple[str, str, str]]:
    """Published URLs whose host no certificate of the listener covers: (virtual directory, key, text)."""
    if listener.tls is None:
        return
    covers = [name for each in certificates for name in each.covers]
    for vdir in group.vdirs:
        for key in ("internal_url", "external_url"):
            url = getattr(vdir, key)
            host = (urlsplit(url).hostname or "").lower() if url and vdir.enabled else ""
            if host and not is_covered(host, covers):
                known = ", ".join(covers) or "no name"
                yield vdir.name, key, f"no certificate of listener {listener.name} covers {host}: {known}"


def settings_or_exit(path: Path, stream: TextIO | None = None, *, lab: bool = False) -> Settings:
    """Settings to run with. Says what is wrong on stderr, and raises SystemExit(1) if that
    matters.

    :param lab: whether ``--lab`` was given: it and ``lab.enabled`` go together, or nothing runs.
    """
    examination = examine(path, lab=lab)
    print_problems(examination.problems, stream or sys.stderr)
    if examination.settings is None:
        raise SystemExit(1)
    return examination.settings


def _turn_keys(enabled: bool, lab: bool | None, problems: Problems) -> None:
    path: KeyPath = ("lab", "enabled")
    if enabled and lab is None:
        problems.warning(path, "faults of the laboratory: this runs with --lab only")
    elif enabled and not lab:
        problems.error(path, "faults of the laboratory are enabled: run it with --lab, or take them out")
    elif lab and not enabled:
        problems.error(path, "--lab was given, and there is no enabled = true in [lab]: nothing is run")


def print_problems(problems: Iterable[Problem], stream: TextIO) -> None:
    """``file:line: key: text``, one line each: what editors and people can follow."""
    for problem in problems:
        print(problem, file=stream, flush=True)


def _certificate_files(
    draft: Settings | None,
) -> Iterator[tuple[str, KeyPath, CertificateFiles]]:
    """Listener, the table that names the files, the files."""
    for listener in draft.listeners if draft else ():
        for number, files in enumerate(listener.tls.certificates if listener.tls else ()):
            table: KeyPath = ("listener", listener.name)
            yield listener.name, (*table, "sni", number - 1) if number else table, files
    if draft and draft.admin.bind and draft.admin.certificate:
        # No listener can be called so.
        yield "[admin]", ("admin",), CertificateFiles(draft.admin.certificate, draft.admin.key)


def _authorities(draft: Settings | None) -> Iterator[tuple[KeyPath, Path]]:
    """Where files of authorities are named, and the files."""
    for group in draft.backends if draft else ():
        if group.verify.ca is not None:
            yield ("backend", group.name, "ca_file"), group.verify.ca
    if draft and draft.admin.client_ca:
        yield ("admin", "client_ca"), draft.admin.client_ca


def _load(files: CertificateFiles, table: KeyPath, problems: Problems) -> Certificate | None:
    """The certificate, unless its files are known to be at fault or turn out to be."""
    if any((*table, key) in problems.blamed for key in _FILE_KEYS):
        return None
    if not files.certificate and not files.pkcs12:
        return None
    try:
        passphrase = read_passphrase(files.passphrase_file) if files.passphrase_file else None
        return load_certificate(
            CertificateSource(
                files.certificate, files.key, files.chain, files.pkcs12, passphrase, files.names
            )
        )
    except BadCertificate as error:
        at_fault = [key for key in _FILE_KEYS if getattr(files, key) == error.path]
        problems.error((*table, *at_fault[:1]), str(error))
        return None


def _oddities(certificate: Certificate) -> Iterator[str]:
    """What a client may stumble over, whatever the date."""
    try:
        certificate.leaf.extensions.get_extension_for_class(SubjectAlternativeName)
    except ExtensionNotFound:
        yield f"{certificate.origin} has no subjectAltName: current clients refuse it"
    missing = [name for name in certificate.names if not is_covered(name, certificate.covers)]
    if missing:
        covers = ", ".join(certificate.covers) or "no name"
        yield f"{certificate.origin} is for {covers}, not for {', '.join(missing)}"
    last = certificate.leaf
    for number, each in enumerate(certificate.chain, 1):
        if each.subject != last.issuer:
            name = each.subject.rfc4514_string()
            yield f"chain certificate {number} ({name}) did not issue the one before it"
            break
        last = each


def _judge_dates(certificate: Certificate, now: datetime, key: KeyPath, problems: Problems) -> None:
    if certificate.not_after < now:
        problems.error(key, f"{certificate.origin} expired on {certificate.not_after:%Y-%m-%d}")
    elif certificate.not_before > now:
        day = f"{certificate.not_before:%Y-%m-%d %H:%M} UTC"
        problems.warning(key, f"{certificate.origin} is not valid before {day}")
    elif certificate.not_after - now < SOON:
        days = (certificate.not_after - now).days
        day = f"{certificate.not_after:%Y-%m-%d}"
        problems.warning(key, f"{certificate.origin} expires in {days} days, on {day}")
