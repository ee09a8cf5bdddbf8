"""Each rule finds what it is about, at its line, and says nothing about a configuration that is as it should be."""

from __future__ import annotations

import pytest

from mapiproxy.lint.haproxy import read_haproxy
from mapiproxy.lint.haproxy_rules import lint_haproxy

GOOD = """\
global
    tune.bufsize 131072
defaults
    mode http
    option http-keep-alive
    option http-no-delay
    timeout connect 5s
    timeout client 5m
    timeout server 5m
frontend mail
    bind :443 ssl crt /etc/ssl/mail.pem alpn http/1.1
    option h1-case-adjust-bogus-client
    acl mapi path_beg -i /mapi
    use_backend mapi if mapi
    default_backend owa
backend mapi
    balance leastconn
    option httpchk GET /mapi/healthcheck.htm
    http-reuse never
    retry-on conn-failure
    server ex1 10.0.0.1:443 check ssl verify required ca-file /etc/ssl/ca.pem
backend owa
    server ex1 10.0.0.1:443
"""


def found(text: str) -> list[tuple[str, int]]:
    return [(each.rule, each.line) for each in lint_haproxy(read_haproxy(text, "haproxy.cfg"))]


def test_a_good_configuration_is_let_alone() -> None:
    assert found(GOOD) == []


#: (what stands there, what stands there instead, rule, line)
CASES = [
    ("    timeout client 5m", "    timeout client 50s", "timeout-short", 8),
    ("    timeout client 5m", "    timeout client 70000", "timeout-tight", 8),
    ("    timeout server 5m", "    timeout server 3h", "timeout-long", 9),
    ("    timeout server 5m", "    timeout queue 1m", "timeout-none", 16),
    ("    tune.bufsize 131072", "    maxconn 10", "head-limit", 1),
    ("    tune.bufsize 131072", "    tune.bufsize 16384", "head-limit", 2),
    ("    option http-keep-alive", "    option http-server-close", "connection-closed", 5),
    ("    option http-keep-alive", "    option http-buffer-request", "request-buffered", 5),
    ("    option http-no-delay", "    option dontlognull", "chunks-delayed", 10),
    ("    option http-keep-alive", "    compression algo gzip", "compressed", 5),
    ("    http-reuse never", "    http-request cache-use small", "cached", 19),
    ("alpn http/1.1", "alpn h2,http/1.1", "http2-offered", 11),
    (" alpn http/1.1", "", "http2-default", 11),
    ("    http-reuse never", "    http-reuse aggressive", "connection-reuse", 19),
    ("    balance leastconn", "    balance uri", "connection-shared", 17),
    ("    balance leastconn", "    balance source", "address-affinity", 17),
    ("    http-reuse never", "    stick on src", "address-affinity", 19),
    ("    http-reuse never", "    cookie SRV prefix", "cookie-rewritten", 19),
    ("    retry-on conn-failure", "    retry-on conn-failure empty-response", "replay", 20),
    ("    http-reuse never", "    http-request replace-path /mapi/(.*) /x/\\1", "path-rewritten", 19),
    ("    http-reuse never", "    http-request normalize-uri path-strip-dot", "path-rewritten", 19),
    ("    http-reuse never", "    http-response del-header X-ResponseCode", "header-removed", 19),
    ("    http-reuse never", "    http-response set-header WWW-Authenticate Basic", "challenge-replaced", 19),
    ("    acl mapi path_beg -i /mapi", "    acl mapi path_beg /mapi", "path-case", 13),
    ("    option h1-case-adjust-bogus-client", "    acl w path_beg -i /web/?login", "path-query", 12),
    ("    option h1-case-adjust-bogus-client", "    log global", "header-case", 10),
    ("    option h1-case-adjust-bogus-client", "    http-request deny if bad", "acl-unknown", 12),
    ("    option h1-case-adjust-bogus-client", "    http-request deny if { src_conn_cur gt 20 }", "address-limit", 12),
    (" check ssl", " ssl", "probe-missing", 21),
    ("    option httpchk GET /mapi/healthcheck.htm", "    log global", "probe-shallow", 16),
    ("verify required", "verify none", "server-unverified", 21),
    (" ssl verify required ca-file /etc/ssl/ca.pem", "", "ssl-offload", 21),
    ("    balance leastconn", "    mode tcp", "opaque", 16),
    ("    http-reuse never", "    http-response del-header WWW-Authenticate", "challenge-replaced", 19),
    ("    http-reuse never", "    compression algo gzip\n    compression type application/mapi-http", "compressed", 19),
    (" verify required ca-file /etc/ssl/ca.pem", " verify none verifyhost x", "server-unverified", 21),
]


@pytest.mark.parametrize(("there", "instead", "rule", "line"), CASES)
def test_each_rule(there: str, instead: str, rule: str, line: int) -> None:
    assert there in GOOD
    assert (rule, line) in found(GOOD.replace(there, instead, 1))


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        # What is about other paths than MAPI's.
        ("    http-reuse never", "    http-request set-path /owa/ if { path / }"),
        ("    http-reuse never", "    acl root path /\n    http-request set-path /owa/ if root"),
        ("    http-reuse never", "    http-request set-path /owa/ unless { path_beg -i /mapi }"),
        ("    http-reuse never", "    http-request cache-use small if { path_end .css }"),
        ("    http-reuse never", "    http-request deny if { src_conn_cur gt 20 } { path_beg -i /owa }"),
        # Headers that MAPI does not need.
        ("    http-reuse never", "    http-response del-header X-Powered-By"),
        ("    http-reuse never", "    http-request del-header X-Request-ID"),
        # MAPI's answers are application/mapi-http.
        ("    http-reuse never", "    compression algo gzip\n    compression type text/html text/css"),
        # Means nothing where connections are kept.
        ("    http-reuse never", "    option http-pretend-keepalive"),
        (" alpn http/1.1", " no-alpn"),
        (" check ssl", " track other/ex1 ssl"),
        (" check ssl", " ssl\n    default-server check\n    default-server inter 3s"),
        ("timeout client 5m", 'timeout client "${CLIENT_TIMEOUT}"'),
        ("    acl mapi path_beg -i /mapi", "    acl mapi path_reg (?i)^/mapi"),
    ],
)
def test_what_does_not_hurt_mapi_is_let_alone(there: str, instead: str) -> None:
    assert there in GOOD
    assert found(GOOD.replace(there, instead, 1)) == []


def test_servers_are_not_verified_where_the_global_section_says_so() -> None:
    text = GOOD.replace("    tune.bufsize 131072", "    tune.bufsize 131072\n    ssl-server-verify none")
    assert found(text) == []
    assert found(text.replace(" verify required", "")) == [("server-unverified", 22)]


def test_a_url_may_contain_a_question_mark() -> None:
    text = GOOD.replace("acl mapi path_beg -i /mapi", "acl mapi url_beg -i /mapi /owa/?x")
    assert found(text) == []


def test_a_configuration_that_leads_nowhere() -> None:
    assert found("frontend mail\n    mode http\n    bind :443\n") == [("mapi-unrouted", 1)]


def test_acls_that_haproxy_itself_defines_are_known() -> None:
    text = GOOD.replace("    option h1-case-adjust-bogus-client",
                        "    option h1-case-adjust-bogus-client\n    http-request deny if HTTP_1.0 METH_TRACE")  # fmt: skip
    assert found(text) == []
