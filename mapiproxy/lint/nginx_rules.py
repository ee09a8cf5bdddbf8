"""What in an nginx.conf hurts MAPI? A rule is a function over the location that a MAPI request takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mapiproxy.lint.finding import Finding
from mapiproxy.lint.nginx import Node, find_location, fits, servers_of, streams_of, values_of
from mapiproxy.lint.words import BODY, HEAD, LONG, MAPI_HEADERS, SHORT, TIGHT, find_bytes, find_seconds

Found = Iterator[Finding]
PATH = "/mapi/emsmdb/"
_ADDRESSES = ("$remote_addr", "$binary_remote_addr", "$proxy_protocol_addr")
_NEEDED = re.compile(rf"({MAPI_HEADERS}|cookie|set-cookie|authorization|www-authenticate)$", re.IGNORECASE)
_NTLM = "ntlm in the upstream, after its balancing method (in the commercial nginx alone)"
_ONCE = ("proxy_read_timeout", "proxy_send_timeout", "proxy_connect_timeout", "proxy_buffering",
         "proxy_request_buffering", "client_max_body_size", "proxy_http_version")  # fmt: skip
_VDIRS = re.compile(r"(mapi|rpc|ews|oab|owa|ecp|autodiscover|microsoft-server-activesync)", re.IGNORECASE)


def lint_nginx(root: Node) -> list[Finding]:
    """Everything that is found, in the order of files and lines."""
    places = [place for server in servers_of(root) if (place := _place_of(server)) is not None]
    # Other sites have a location / as well; whoever names MAPI is who serves it.
    places = [place for place in places if "mapi" in " ".join(place.args).lower()] or places
    streams = streams_of(root)
    if not places and streams:
        return [finding for server in streams for finding in stream(server)]
    if not places:
        return [Finding("mapi-unrouted", root.file, root.line, "no server passes /mapi/emsmdb/ on")]
    found = [each for place in places for rule in RULES for each in rule(place)]
    return sorted(dict.fromkeys(found), key=lambda each: (each.file, each.line, each.rule))


def _place_of(server: Node) -> Node | None:
    location = find_location(server, PATH)
    if location is None:
        return None
    return location if _passed(location) is not None else None


def _passed(location: Node) -> Node | None:
    """Its proxy_pass, which is not inherited, but may stand within an ``if``."""
    return next((node for node in location.below() if node.name == "proxy_pass"), None)


def stream(server: Node) -> Found:
    """A server that passes bytes on: all that can hurt is its time limit, which counts for both sides."""
    yield _at(server, "opaque", "stream: server " + " ".join(str(each) for each in server.all("listen")))
    node = server.find("proxy_timeout")
    seconds = find_seconds(node.args[0], 1.0) if node is not None and node.args else None
    if node is not None and seconds is not None and seconds < TIGHT:
        rule = "timeout-short" if seconds < SHORT else "timeout-tight"
        yield _at(node, rule, str(node), "proxy_timeout 5m")


def _at(node: Node, rule: str, text: str, instead: str = "") -> Finding:
    return Finding(rule, node.file, node.line, text, instead)


def _switch(place: Node, name: str, rule: str, default: str, bad: str, instead: str) -> Found:
    """A directive that must not be *bad*, set or by default."""
    node = place.find(name)
    value = node.args[0] if node is not None and node.args else default
    if value == bad:
        text = str(node) if node is not None else f"{place}: {name} is {default} by default"
        yield _at(node or place, rule, text, instead)


def buffers(place: Node) -> Found:
    yield from _switch(place, "proxy_buffering", "answer-buffered", "on", "on", "proxy_buffering off")
    yield from _switch(
        place, "proxy_request_buffering", "request-buffered", "on", "on", "proxy_request_buffering off"
    )
    yield from _switch(place, "tcp_nodelay", "chunks-delayed", "on", "off", "tcp_nodelay on")
    yield from _switch(
        place, "proxy_ignore_client_abort", "abort-ignored", "off", "on", "proxy_ignore_client_abort off"
    )
    cache = place.find("proxy_cache")
    if cache is not None and cache.args != ("off",):
        yield _at(cache, "cached", str(cache), "proxy_cache off")
    gzip, types = place.find("gzip"), place.find("gzip_types")
    packs = gzip is not None and gzip.args == ("on",)
    if packs and types is not None and any(kind == "*" or "mapi" in kind for kind in types.args):
        yield _at(types, "compressed", str(types), "gzip off")


def timeouts(place: Node) -> Found:
    for name in ("proxy_read_timeout", "proxy_send_timeout"):
        node = place.find(name)
        seconds = find_seconds(node.args[0], 1.0) if node is not None and node.args else SHORT
        if seconds is None:
            continue
        text = str(node) if node is not None else f"{place}: {name} is 60s by default"
        if name == "proxy_read_timeout" and seconds < TIGHT:
            rule = "timeout-short" if seconds < SHORT else "timeout-tight"
            yield _at(node or place, rule, text, "proxy_read_timeout 5m")
        elif seconds > LONG:
            yield _at(node or place, "timeout-long", text, f"{name} 5m")


def sizes(place: Node) -> Found:
    node = place.find("client_max_body_size")
    size = find_bytes(node.args[0]) if node is not None and node.args else 1 << 20
    if size is not None and 0 < size < BODY:
        text = str(node) if node is not None else f"{place}: client_max_body_size is 1m by default"
        yield _at(node or place, "body-limit", text, "client_max_body_size 0")
    heads = place.find("large_client_header_buffers")
    size = find_bytes(heads.args[1]) if heads is not None and len(heads.args) > 1 else 8 << 10
    if size is not None and size < HEAD:
        text = str(heads) if heads is not None else f"{place}: large_client_header_buffers is 4 8k by default"
        yield _at(heads or place, "head-limit", text, "large_client_header_buffers 4 128k")


def protocols(place: Node) -> Found:
    server = _server_of(place)
    if server is not None:
        own = {node.args[:1] for node in server.all("listen")}
        # http2 on a listen is about the socket: it counts for every server that listens there.
        lines = [node for each in servers_of(_root_of(place)) for node in each.all("listen")]
        for node in lines:
            if node.args[:1] in own and {"http2", "quic"}.intersection(node.args):
                yield _at(node, "http2-offered", str(node), "listen 443 ssl")
    switch = place.find("http2")
    if switch is not None and switch.args == ("on",):
        yield _at(switch, "http2-offered", str(switch), "http2 off")


def connections(place: Node) -> Found:
    version = place.find("proxy_http_version")
    if version is None or version.args == ("1.0",):
        text = str(version or f"{place}: proxy_http_version is 1.0 by default (before nginx 1.29.7)")
        yield _at(version or place, "http10", text, "proxy_http_version 1.1")
    passed, upstreams = _passed(place), _upstreams_of(place)
    shared = [each for each in upstreams if each.all("keepalive") and not each.all("ntlm")]
    for upstream in shared:
        yield _at(upstream.all("keepalive")[-1], "connection-shared",
                  f"upstream {upstream.args[0]} keeps connections for everybody", _NTLM)  # fmt: skip
    unkept = [each for each in upstreams if not each.all("ntlm") and each not in shared]
    if unkept or not upstreams:
        yield _at(passed or place, "connection-closed",
                  f"{passed or place}: a new connection for each request", _NTLM)  # fmt: skip
    ntlm = any(each.all("ntlm") for each in upstreams)
    if ntlm and not any(n.args[:1] == ("Connection",) and n.args[1:] in ((), ("",)) for n in _headers(place)):
        yield _at(place, "connection-closed", f"{place}: Connection: close is sent to the server",
                  'proxy_set_header Connection ""')  # fmt: skip


def retries(place: Node) -> Found:
    node = place.find("proxy_next_upstream")
    if node is not None and "non_idempotent" in node.args:
        yield _at(node, "replay", str(node), "proxy_next_upstream error timeout")


def affinity(place: Node) -> Found:
    for upstream in _upstreams_of(place):
        for node in upstream.children:
            by_address = node.name in ("hash", "sticky") and any(a in " ".join(node.args) for a in _ADDRESSES)
            if node.name == "ip_hash" or by_address:
                yield _at(node, "address-affinity", f"upstream {upstream.args[0]}: {node}", "least_conn")


def rewriting(place: Node) -> Found:
    for around in (place, _server_of(place)):
        for node in around.all("rewrite") if around is not None else ():
            if node.args and fits(node.args[0], PATH, re.IGNORECASE):
                yield _at(node, "path-rewritten", str(node))
    passed = _passed(place)
    behind = re.match(r"https?://[^/]+(/.*)", passed.args[0]) if passed is not None and passed.args else None
    # What is replaced by itself stays as it was.
    if passed is not None and behind is not None and place.args[-1:] != (behind[1],):
        yield _at(passed, "path-rewritten", f"{passed}: the part behind the host replaces what was asked for",
                  re.sub(r"(https?://[^/]+)/.*", r"proxy_pass \1", passed.args[0]))  # fmt: skip
    for node in _headers(place):
        if node.args and _NEEDED.match(node.args[0]) and node.args[1:] == ("",):
            yield _at(node, "header-removed", str(node))
    block: Node | None = place
    while block is not None:
        for node in block.all("proxy_hide_header"):
            if node.args and _NEEDED.match(node.args[0]):
                challenge = node.args[0].lower() == "www-authenticate"
                yield _at(node, "challenge-replaced" if challenge else "header-removed", str(node))
        for name in ("add_header", "more_set_headers"):
            for node in block.all(name):
                if "www-authenticate" in " ".join(node.args).lower():
                    yield _at(node, "challenge-replaced", str(node))
        block = block.parent
    for name in ("proxy_cookie_path", "proxy_cookie_domain", "proxy_cookie_flags"):
        cookie = place.find(name)
        if cookie is not None and cookie.args != ("off",):
            yield _at(cookie, "cookie-rewritten", str(cookie), f"{name} off")


def cases(place: Node) -> Found:
    server = _server_of(place)
    for node in server.all("location") if server is not None else ():
        how, text = ("", *node.args[:1]) if len(node.args) == 1 else (*node.args[:2], "", "")[:2]
        if how != "~*" and text[:1] != "@" and _VDIRS.search(text):
            yield _at(node, "path-case", str(node), f"location ~* ^{text.lstrip('^')}")


def limits(place: Node) -> Found:
    root = _root_of(place)
    zones = {
        arg.removeprefix("zone=").partition(":")[0]
        for node in root.walk()
        if node.name in ("limit_conn_zone", "limit_req_zone") and node.args[:1] and node.args[0] in _ADDRESSES
        for arg in node.args
        if arg.startswith("zone=")
    }
    for name in ("limit_conn", "limit_req"):
        node = place.find(name)
        zone = node.args[0].removeprefix("zone=") if node is not None and node.args else None
        if node is not None and zone in zones:
            yield _at(node, "address-limit", str(node))


def servers(place: Node) -> Found:
    passed = _passed(place)
    url = passed.args[0] if passed is not None and passed.args else ""
    url = next(iter(values_of(_root_of(place), url)), url)
    server = _server_of(place)
    secure = server is not None and any("ssl" in node.args for node in server.all("listen"))
    if url.startswith("https:") and place.value("proxy_ssl_verify") != "on":
        node = place.find("proxy_ssl_verify")
        text = str(node) if node is not None else f"{place}: proxy_ssl_verify is off by default"
        yield _at(node or place, "server-unverified", text, "proxy_ssl_verify on")
    elif url.startswith("http:") and secure and passed is not None:
        yield _at(passed, "ssl-offload", str(passed))


def duplicates(place: Node) -> Found:
    block: Node | None = place
    while block is not None:
        for name in _ONCE:
            for node in block.all(name)[1:]:
                yield _at(node, "duplicate", str(node))
        block = block.parent


def _headers(place: Node) -> list[Node]:
    """The proxy_set_header lines that count: those of the innermost block that has any."""
    block: Node | None = place
    while block is not None:
        found = block.all("proxy_set_header")
        if found:
            return found
        block = block.parent
    return []


def _root_of(place: Node) -> Node:
    return place if place.parent is None else _root_of(place.parent)


def _server_of(place: Node) -> Node | None:
    block: Node | None = place
    while block is not None and block.name != "server":
        block = block.parent
    return block


def _upstreams_of(place: Node) -> list[Node]:
    """Those that its proxy_pass may mean, through variables too."""
    passed, root = _passed(place), _root_of(place)
    urls = values_of(root, passed.args[0]) if passed is not None and passed.args else []
    names = {re.sub(r"^https?://", "", url).partition("/")[0] for url in urls}
    return [node for node in root.walk() if node.name == "upstream" and names.intersection(node.args[:1])]


RULES: tuple[Callable[[Node], Found], ...] = (
    buffers, timeouts, sizes, protocols, connections, retries, affinity, rewriting, cases, limits, servers,
    duplicates,
)  # fmt: skip
