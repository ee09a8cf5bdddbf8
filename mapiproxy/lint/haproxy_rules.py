"""What in an haproxy.cfg hurts MAPI? A rule is a function over the file and the way of a MAPI request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mapiproxy.lint.finding import Finding
from mapiproxy.lint.haproxy import HaproxyFile, Line, Section, conditions_of
from mapiproxy.lint.haproxy_route import Scope, concerns, find_scope, path_tests
from mapiproxy.lint.words import HEAD, LONG, MAPI_HEADERS, SHORT, TIGHT, find_bytes, find_seconds

Found = Iterator[Finding]
#: HAProxy's own default of tune.bufsize.
_BUFFER = 16_384
_REUSE = {"aggressive", "always"}
_SAFE_RETRIES = {"conn-failure", "none", "0rtt-rejected"}
_VDIRS = re.compile(r"/(mapi|rpc|ews|oab|owa|ecp|autodiscover|microsoft-server-activesync)", re.IGNORECASE)
_NEEDED = re.compile(
    rf"({MAPI_HEADERS}|cookie|set-cookie|authorization|content-type|transfer-encoding)$", re.I
)
_BALANCE_BY_REQUEST = ("uri", "url_param", "hdr(", "hash")


def lint_haproxy(file: HaproxyFile) -> list[Finding]:
    """Everything that is found, in the order of files and lines."""
    scope = find_scope(file)
    if not scope.all:
        first = file.sections[0].number
        return [Finding("mapi-unrouted", file.path, first, "no frontend leads to a backend")]
    found = [each for rule in RULES for each in rule(file, scope)]
    return sorted(dict.fromkeys(found), key=lambda each: (each.file, each.line, each.rule))


def _at(file: HaproxyFile, rule: str, line: Line | Section, text: str, instead: str = "") -> Finding:
    return Finding(rule, line.path or file.path, line.number, text, instead)


def opaque(file: HaproxyFile, scope: Scope) -> Found:
    for section in scope.all:
        if section.mode == "tcp":
            yield _at(file, "opaque", section, f"{section.title} is in mode tcp")


def timeouts(file: HaproxyFile, scope: Scope) -> Found:
    for sections, name in ((scope.fronts, "client"), (scope.backs, "server")):
        for section in sections:
            line = section.last("timeout", name)
            written = line.words[2] if line is not None and len(line.words) > 2 else ""
            if "$" in written:  # an environment that we have not got
                continue
            seconds = find_seconds(written, 1e-3)
            if line is None or seconds is None or seconds == 0:
                yield _at(file, "timeout-none", line or section, f"{section.title}: no timeout {name}",
                          f"timeout {name} 5m")  # fmt: skip
            elif seconds < TIGHT:
                rule = "timeout-short" if seconds < SHORT else "timeout-tight"
                yield _at(file, rule, line, str(line), f"timeout {name} 5m")
            elif seconds > LONG:
                yield _at(file, "timeout-long", line, str(line), f"timeout {name} 5m")


def buffers(file: HaproxyFile, scope: Scope) -> Found:
    for section in scope.all:
        line = section.has_option("http-buffer-request")
        if line is not None:
            yield _at(file, "request-buffered", line, str(line))
        delays = section.mode == "http" and section.has_option("http-no-delay") is None
        if delays and section in scope.fronts:
            yield _at(file, "chunks-delayed", section, f"{section.title}: no option http-no-delay",
                      "option http-no-delay")  # fmt: skip
        compressing = section.last("compression", "algo") or section.last("compression", "algo-res")
        kinds = section.last("compression", "type") or section.last("compression", "type-res")
        # Without types everything is compressed, else what they name; MAPI's is application/mapi-http.
        if compressing is not None and (kinds is None or any("mapi" in each for each in kinds.words)):
            yield _at(file, "compressed", compressing, str(compressing))
        for name in ("cache-use", "cache-store"):
            for line in section.lines:
                if name in line.words and concerns(section, line):
                    yield _at(file, "cached", line, str(line))


def heads(file: HaproxyFile, scope: Scope) -> Found:
    for section in file.of("global"):
        line = section.last("tune.bufsize")
        size = find_bytes(line.words[1]) if line is not None and len(line.words) > 1 else _BUFFER
        if size is not None and size < HEAD:
            text = str(line) if line is not None else f"no tune.bufsize: {_BUFFER} bytes for a head"
            yield _at(file, "head-limit", line or section, text, f"tune.bufsize {HEAD * 2}")


def connections(file: HaproxyFile, scope: Scope) -> Found:
    for section in scope.all:
        for name in ("httpclose", "http-server-close", "forceclose"):
            line = section.has_option(name)
            if line is not None:
                yield _at(file, "connection-closed", line, str(line), "option http-keep-alive")
    for section in scope.backs:
        line = section.last("http-reuse")
        if line is not None and _REUSE.intersection(line.words[1:2]):
            # HAProxy keeps a connection private once it has seen a 401: it works, as long as that is noticed.
            yield _at(file, "connection-reuse", line, str(line), "http-reuse never")
        line = section.last("balance")
        if line is not None and " ".join(line.words[1:2]).startswith(_BALANCE_BY_REQUEST):
            yield _at(file, "connection-shared", line,
                      f"{line}: the server changes within a connection", "balance leastconn")  # fmt: skip


def protocols(file: HaproxyFile, scope: Scope) -> Found:
    for section, kind in [(s, "bind") for s in scope.fronts] + [(s, "server") for s in scope.backs]:
        for line in [*section.all(kind), *section.all("default-server")]:
            offered = (line.after("alpn") or "").split(",")
            if "h2" in offered or line.after("proto") == "h2":
                yield _at(file, "http2-offered", line, str(line), "alpn http/1.1")
            elif "no-alpn" in line.words or kind != "bind" or section.mode != "http":
                continue
            elif "ssl" in line.words and offered == [""]:
                yield _at(file, "http2-default", line, f"{line}: no alpn", "alpn http/1.1")


def retries(file: HaproxyFile, scope: Scope) -> Found:
    for section in scope.backs:
        line = section.last("retry-on")
        if line is not None and not _SAFE_RETRIES.issuperset(line.words[1:]):
            yield _at(file, "replay", line, str(line), "retry-on conn-failure")


def affinity(file: HaproxyFile, scope: Scope) -> Found:
    for section in scope.backs:
        line = section.last("balance")
        if line is not None and line.words[1:2] == ("source",):
            yield _at(file, "address-affinity", line, str(line), "balance leastconn")
        for line in section.all("stick"):
            if "src" in line.words:
                yield _at(file, "address-affinity", line, str(line))
        line = section.last("cookie")
        if line is not None and {"rewrite", "prefix"}.intersection(line.words):
            yield _at(file, "cookie-rewritten", line, str(line), "cookie NAME insert indirect nocache")


def rewriting(file: HaproxyFile, scope: Scope) -> Found:
    for section in scope.all:
        for line in section.lines:
            words = line.words
            if words[0] not in ("http-request", "http-response", "http-after-response") or len(words) < 2:
                continue
            if not concerns(section, line):
                continue
            action, name = words[1], words[2] if len(words) > 2 else ""
            if action in ("set-path", "replace-path", "set-uri", "replace-uri", "set-query", "normalize-uri"):
                yield _at(file, "path-rewritten", line, str(line))
            elif action == "del-header" and _NEEDED.match(name):
                yield _at(file, "header-removed", line, str(line))
            elif action.endswith("-header") and name.lower() == "www-authenticate":
                yield _at(file, "challenge-replaced", line, str(line))
            elif action in ("replace-header", "replace-value") and name.lower().endswith("cookie"):
                yield _at(file, "cookie-rewritten", line, str(line))


def cases(file: HaproxyFile, scope: Scope) -> Found:
    for section in scope.all:
        for _, test in path_tests(section):
            asks = any("?" in value for value in test.values) and test.criterion != "path_reg"
            if asks and test.on_path:
                yield _at(file, "path-query", test.line, str(test.line))
            if not test.any_case and any(_VDIRS.search(value) for value in test.values):
                yield _at(file, "path-case", test.line, str(test.line), f"{test.criterion} -i ...")
        adjusted = section.has_option("h1-case-adjust-bogus-client") is not None
        if section.mode == "http" and section in scope.fronts and not adjusted:
            yield _at(file, "header-case", section, f"{section.title}: header names leave in lower case")


def acls(file: HaproxyFile, scope: Scope) -> Found:
    for section in scope.all:
        known: set[str] = set()
        for line in section.lines:
            if line.starts("acl") and len(line.words) > 1:
                known.add(line.words[1])
            for name in conditions_of(line.words):
                if name not in known and name.isidentifier() and not name.isupper():
                    yield _at(file, "acl-unknown", line, f"{line}: no acl {name} above")


def limits(file: HaproxyFile, scope: Scope) -> Found:
    for section in scope.fronts:
        for _, words, line in _numbers_of(section, ("src_conn_cur", "sc_conn_cur", "sc0_conn_cur")):
            for word in words if concerns(section, line) else ():
                if word.isdigit() and int(word) < 1000:
                    yield _at(file, "address-limit", line, str(line))


def _numbers_of(section: Section, names: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...], Line]]:
    for line in section.lines:
        for place, word in enumerate(line.words):
            if word.partition("(")[0] in names:
                yield word, line.words[place + 1 :], line


def servers(file: HaproxyFile, scope: Scope) -> Found:
    general = [line for section in file.of("global") for line in section.all("ssl-server-verify")]
    unsaid = general[-1].words[-1] if general else "required"
    for section in scope.backs:
        lines = [*section.all("server"), *section.all("server-template")]
        common = section.every("default-server")
        every = {word for line in common for word in line.words}
        for line in lines:
            words = every | set(line.words)
            if not words.intersection(("check", "track")) and section.mode == "http":
                yield _at(file, "probe-missing", line, f"{line}: no check", "check")
            if "ssl" in words:
                told = [each.after("verify") for each in (*common, line)]
                verify = next((each for each in reversed(told) if each), unsaid)
                if verify == "none":
                    yield _at(file, "server-unverified", line, str(line), "verify required ca-file ...")
            elif section.mode == "http" and _is_secure(scope):
                yield _at(file, "ssl-offload", line, f"{line}: plain http")
        asked = section.has_option("httpchk")
        if lines and section.mode == "http" and asked is None:
            yield _at(file, "probe-shallow", section, f"{section.title}: no option httpchk",
                      "option httpchk GET /mapi/healthcheck.htm")  # fmt: skip


def _is_secure(scope: Scope) -> bool:
    return any("ssl" in line.words for section in scope.fronts for line in section.all("bind"))


RULES: tuple[Callable[[HaproxyFile, Scope], Found], ...] = (
    opaque, timeouts, buffers, heads, connections, protocols, retries, affinity, rewriting, cases, acls,
    limits, servers,
)  # fmt: skip
