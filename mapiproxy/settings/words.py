"""What does a configuration amount to, in words? Everything in effect, defaults and derived values
too.

One outline serves plain text (:func:`describe`) and whatever a command prints. Must not know where
the values come from.
"""

from __future__ import annotations

from attrs import asdict, frozen

from mapiproxy.backends.health import HealthRules
from mapiproxy.settings.values import (
    BackendGroup,
    CertificateFiles,
    Limits,
    Listener,
    Log,
    Settings,
    Timeouts,
    Verify,
)

_MEANINGS = {
    "client_head": "for the head of a request",
    "client_idle": "between requests of a client",
    "client_quiet": "when a client's request body stops",
    "client_stall": "when a client does not take its answer",
    "connect": "to reach a backend",
    "first_byte": "for a backend to begin its answer",
    "quiet": "when a begun answer stops (three times X-PendingPeriod, if announced)",
    "backend_idle": "between requests to a backend",
    "linger": "for the rest of a request answered early",
    "orphan": "for a backend to finish when its client is gone",
    "long_poll": "where nothing needs to move for long (Outlook Anywhere, ActiveSync)",
    "stop": "for calls in progress when the proxy is stopped",
}


@frozen
class Section:
    """A heading and its lines: (label, text), labels may be empty."""

    title: str
    lines: tuple[tuple[str, str], ...]


def describe(settings: Settings) -> str:
    """The effective configuration as plain text, a section per listener, backend and subject."""
    paragraphs = []
    for section in outline(settings):
        wide = max((len(label) for label, _ in section.lines), default=0)
        lines = [f"  {label:<{wide}}  {text}".rstrip() for label, text in section.lines]
        paragraphs.append("\n".join([section.title, *lines]))
    return "\n\n".join(paragraphs) + "\n"


def outline(settings: Settings) -> list[Section]:
    """The effective configuration, section by section."""
    return [
        *(_listener(each, settings.backend(each.backend)) for each in settings.listeners),
        *(_backend(each) for each in settings.backends),
        _timeouts(settings.timeouts),
        _limits(settings.limits),
        _health(settings.health),
        _affinity(settings),
        _log(settings.log),
        Section("Proxy", (("name", settings.proxy.name), _control(settings), *_admin(settings))),
    ]


def certificate_origin(files: CertificateFiles) -> str:
    """The file that a certificate is read from."""
    return str(files.pkcs12 or files.certificate)


def show_duration(seconds: float) -> str:
    """As one would write it in the file: ``90s``, ``15m``, ``1h``, ``500ms``."""
    if seconds < 1 or seconds != int(seconds):
        return f"{seconds * 1000:g}ms"
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds) // size}{unit}"
    return f"{int(seconds)}s"


def show_size(count: int) -> str:
    """As one would write it in the file: ``128KiB``, ``10MB``, or plain bytes."""
    for unit, size in (("GiB", 2**30), ("GB", 10**9), ("MiB", 2**20), ("MB", 10**6)):
        if count >= size and count % size == 0:
            return f"{count // size}{unit}"
    for unit, size in (("KiB", 2**10), ("KB", 10**3)):
        if count >= size and count % size == 0:
            return f"{count // size}{unit}"
    return f"{count} bytes"


def _listener(listener: Listener, group: BackendGroup) -> Section:
    lines = [("bind", ", ".join(str(bind) for bind in listener.bind))]
    if listener.tls is None:
        lines.append(("tls", "off: plain HTTP"))
    else:
        lines.append(
            ("tls", f"{listener.tls.minimum} or later, {listener.tls.policy} suites, http/1.1")
        )
        for number, files in enumerate(listener.tls.certificates):
            names = ", ".join(files.names) or "the names in it"
            who = f"{names}; clients without a known name" if number == 0 else names
            lines.append(("certificate", f"{certificate_origin(files)} for {who}"))
    names = ", ".join(vdir.name for vdir in group.vdirs if vdir.enabled)
    lines.append(("forwards", f"{names} to {group.name}; 404 for the rest"))
    return Section(f"Listener {listener.name}", tuple(lines))


def _backend(group: BackendGroup) -> Section:
    lines = [("verified", _verify(group.verify))] if any(s.tls for s in group.servers) else []
    total = sum(server.weight for server in group.servers)
    for server in group.servers:
        share = f"{server.weight / total:.0%} of mailboxes" if server.weight else "no new mailboxes"
        title = "" if server.url.partition("://")[2] == server.name else f"{server.name}: "
        lines.append(("server", f"{title}{server.url}, weight {server.weight} ({share})"))
    return Section(f"Backend {group.name} ({group.kind})", tuple(lines))


def _verify(verify: Verify) -> str:
    if verify.off:
        return "NOT AT ALL (off-insecure)"
    if verify.fingerprint:
        return "by pinned fingerprint " + " or ".join(
            f"{each[:8]}…{each[-4:]}" for each in verify.fingerprint
        )
    return f"by name, against {verify.ca or 'the authorities of this system'}"


def _timeouts(timeouts: Timeouts) -> Section:
    lines = tuple(
        (name, f"{show_duration(seconds):>5}  {_MEANINGS[name]}")
        for name, seconds in asdict(timeouts).items()
    )
    return Section("Timeouts", lines)


def _limits(limits: Limits) -> Section:
    return Section(
        "Limits",
        (
            ("head", f"{show_size(limits.head)} for the head of a request or an answer"),
            ("connections", f"{limits.connections} clients at a time"),
        ),
    )


def _health(health: HealthRules) -> Section:
    if health.enabled:
        every = (
            f"every {show_duration(health.interval)}, every {show_duration(health.fast)} when in doubt, "
            f"{show_duration(health.timeout)} at most"
        )
        turns = f"DOWN after {health.fall} failures, UP after {health.rise} successes"
        lines = [("probes", every), ("", turns)]
    else:
        lines = [("probes", "off")]
    if health.outliers:
        out = f"{health.outliers} failures in a row put a backend out for {show_duration(health.ejection)}"
        lines.append(("live traffic", out))
    return Section("Health", tuple(lines))


def _affinity(settings: Settings) -> Section:
    ladder = "session cookie, client GUID, mailbox, fewest sessions"
    if settings.affinity.key_file is None:
        cookie = "none: without affinity.key_file other nodes do not know where a session lives"
        return Section("Affinity", (("by", ladder), ("route cookie", cookie)))
    return Section(
        "Affinity",
        (("by", f"route cookie, {ladder}"), ("route cookie", f"keys in {settings.affinity.key_file}")),
    )


def _control(settings: Settings) -> tuple[str, str]:
    return "control", str(settings.control.socket or "none: add [control] socket to use mapiproxy status")


def _admin(settings: Settings) -> list[tuple[str, str]]:
    admin = settings.admin
    if admin.url is None:
        return [("status page", "none: add [admin] bind to have one")]
    asks = [f"a token of {admin.token_file}"] if admin.token_file else []
    if admin.client_ca:
        asks.append(f"a client certificate of {admin.client_ca}")
    who = f"asks for {' and '.join(asks)}" if asks else "for whoever is on this machine, asks for nothing"
    lines = [("status page", f"{admin.url} {who}{', read only' if admin.read_only else ''}")]
    if admin.names:
        lines.append(("", f"also by the name of {', '.join(admin.names)}"))
    return lines


def _log(log: Log) -> Section:
    if not log.enabled:
        return Section("Log", (("", "off"),))
    manners = [
        f"as Exchange {log.version} on {log.server_name}",
        "bare header line" if log.bare_header else "#Fields line",
        "byte order mark" if log.bom else "no byte order mark",
    ]
    return Section(
        "Log",
        (
            ("directory", f"{log.directory}, one folder per protocol (Mapi/)"),
            ("written", ", ".join(manners)),
            ("new file", f"hourly and at {show_size(log.roll_size)}"),
            ("flushed", f"every {show_duration(log.flush)}"),
        ),
    )
