"""Each rule finds what it is about, at its line, and says nothing about a configuration that is as it should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapiproxy.lint.nginx import read_nginx
from mapiproxy.lint.nginx_rules import lint_nginx

GOOD = """\
http {
    limit_conn_zone $binary_remote_addr zone=byip:10m;
    upstream exchange {
        zone exchange 64k;
        server 10.0.0.1:443;
        ntlm;
    }
    server {
        listen 443 ssl;
        client_max_body_size 0;
        large_client_header_buffers 4 128k;
        location ~* ^/mapi {
            proxy_pass https://exchange;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_read_timeout 5m;
            proxy_ssl_verify on;
        }
    }
}
"""


def found(folder: Path, text: str) -> list[tuple[str, int]]:
    path = folder / "nginx.conf"
    path.write_text(text)
    return [(each.rule, each.line) for each in lint_nginx(read_nginx(path))]


def test_a_good_configuration_is_let_alone(tmp_path: Path) -> None:
    assert found(tmp_path, GOOD) == []


#: (what stands there, what stands there instead, rule, line)
CASES = [
    ("            proxy_buffering off;\n", "", "answer-buffered", 12),
    ("proxy_buffering off", "proxy_buffering on", "answer-buffered", 16),
    ("            proxy_request_buffering off;\n", "", "request-buffered", 12),
    ("proxy_read_timeout 5m", "proxy_read_timeout 30s", "timeout-short", 18),
    ("            proxy_read_timeout 5m;\n", "", "timeout-tight", 12),
    ("proxy_read_timeout 5m", "proxy_read_timeout 3h", "timeout-long", 18),
    ("        client_max_body_size 0;\n", "", "body-limit", 11),
    ("client_max_body_size 0", "client_max_body_size 100m", "body-limit", 10),
    ("        large_client_header_buffers 4 128k;\n", "", "head-limit", 11),
    ("listen 443 ssl", "listen 443 ssl http2", "http2-offered", 9),
    ("        listen 443 ssl;", "        listen 443 ssl; http2 on;", "http2-offered", 9),
    ("            proxy_http_version 1.1;\n", "", "http10", 12),
    ("        ntlm;", "        keepalive 16;", "connection-shared", 6),
    ("        ntlm;", "", "connection-closed", 13),
    ('            proxy_set_header Connection "";\n', "", "connection-closed", 12),
    ("            proxy_buffering off;", "            proxy_buffering off; proxy_next_upstream error non_idempotent;",
     "replay", 16),
    ("        ntlm;", "        ntlm; ip_hash;", "address-affinity", 6),
    ("        ntlm;", "        ntlm; hash $remote_addr consistent;", "address-affinity", 6),
    ("https://exchange;", "https://exchange/mapi;", "path-rewritten", 13),
    ("            proxy_buffering off;", "            proxy_buffering off; rewrite ^/mapi/(.*) /x/$1;",
     "path-rewritten", 16),
    ("            proxy_buffering off;", "            proxy_buffering off; proxy_hide_header X-ResponseCode;",
     "header-removed", 16),
    ("            proxy_buffering off;", "            proxy_buffering off; proxy_hide_header WWW-Authenticate;",
     "challenge-replaced", 16),
    ("            proxy_buffering off;", "            proxy_buffering off; add_header WWW-Authenticate Basic always;",
     "challenge-replaced", 16),
    ("            proxy_buffering off;", "            proxy_buffering off; proxy_cookie_path / /x/;",
     "cookie-rewritten", 16),
    ("            proxy_buffering off;", "            proxy_buffering off; proxy_cache small;", "cached", 16),
    ("            proxy_buffering off;", "            proxy_buffering off; gzip on; gzip_types *;", "compressed", 16),
    ("            proxy_buffering off;", "            proxy_buffering off; tcp_nodelay off;", "chunks-delayed", 16),
    ("            proxy_buffering off;", "            proxy_buffering off; proxy_ignore_client_abort on;",
     "abort-ignored", 16),
    ("            proxy_buffering off;", "            proxy_buffering off; limit_conn byip 10;", "address-limit", 16),
    ("            proxy_buffering off;", "            proxy_buffering off;\n            proxy_read_timeout 6m;",
     "duplicate", 19),
    ("location ~* ^/mapi", "location /mapi", "path-case", 12),
    ("            proxy_ssl_verify on;\n", "", "server-unverified", 12),
    ("https://exchange", "http://exchange", "ssl-offload", 13),
    # Another server on the same socket speaks for all of them.
    ("    server {", "    server { listen 443 ssl http2; server_name blog; }\n    server {", "http2-offered", 8),
    ("            proxy_buffering off;", "            rewrite ^/mapi/(.*) /x/$1 break;proxy_buffering off;",
     "path-rewritten", 16),
    ("        ntlm;", "        ip_hash;", "connection-closed", 13),
    ("            proxy_buffering off;", "            proxy_buffering off; proxy_set_header Authorization '';",
     "header-removed", 16),
]


@pytest.mark.parametrize(("there", "instead", "rule", "line"), CASES)
def test_each_rule(tmp_path: Path, there: str, instead: str, rule: str, line: int) -> None:
    assert there in GOOD
    assert (rule, line) in found(tmp_path, GOOD.replace(there, instead, 1))


def test_a_limit_that_no_mail_reaches_is_none(tmp_path: Path) -> None:
    assert found(tmp_path, GOOD.replace("client_max_body_size 0", "client_max_body_size 2G")) == []


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        # Other sites, and other paths of this one.
        ("    server {", "    server { listen 8443 ssl; location / { proxy_pass http://blog; } }\n    server {"),
        ("        client_max_body_size 0;", "        client_max_body_size 0; rewrite ^/owa$ /owa/ permanent;"),
        ("            proxy_buffering off;", "            proxy_buffering off; proxy_hide_header X-Request-ID;"),
        ("https://exchange;", "https://$chosen;\n set $chosen exchange;"),
        ("proxy_read_timeout 5m", 'proxy_read_timeout "2m 30s"'),
        ("location ~* ^/mapi {", "location / { try_files /no @mapi; }\n location @mapi {"),
    ],
)
def test_what_does_not_hurt_mapi_is_let_alone(tmp_path: Path, there: str, instead: str) -> None:
    assert there in GOOD
    assert found(tmp_path, GOOD.replace(there, instead, 1)) == []


def test_a_path_that_is_replaced_by_itself_is_as_it_was(tmp_path: Path) -> None:
    text = GOOD.replace("location ~* ^/mapi", "location /mapi/").replace("https://exchange", "https://exchange/mapi/")
    assert found(tmp_path, text) == [("path-case", 12)]
    text = text.replace("https://exchange/mapi/", "https://exchange/x/")
    assert found(tmp_path, text) == [("path-case", 12), ("path-rewritten", 13)]


def test_what_a_map_chooses_between_is_all_looked_at(tmp_path: Path) -> None:
    text = GOOD.replace("https://exchange", "https://$to").replace(
        "    server {",
        "    map $host $to { default exchange; b second; }\n"
        "    upstream second { ip_hash; server 10.0.0.2:443; keepalive 8; }\n    server {",
        1,
    )
    assert found(tmp_path, text) == [("address-affinity", 9), ("connection-shared", 9)]


def test_what_a_location_within_passes_on_is_not_passed_on_here(tmp_path: Path) -> None:
    text = "server { location / { root /srv; location ~ php$ { proxy_pass http://a; } } }"
    assert found(tmp_path, text) == [("mapi-unrouted", 1)]


def test_a_stream_is_unread_and_its_limit_counts(tmp_path: Path) -> None:
    text = "stream {\n server {\n listen 443;\n proxy_pass exch;\n proxy_timeout 30s;\n }\n}\n"
    assert found(tmp_path, text) == [("opaque", 2), ("timeout-short", 5)]


def test_a_configuration_that_leads_nowhere(tmp_path: Path) -> None:
    assert found(tmp_path, "http { server { location /ews { proxy_pass http://a; } } }") == [("mapi-unrouted", 1)]


def test_a_header_block_that_is_inherited_counts(tmp_path: Path) -> None:
    moved = GOOD.replace('            proxy_set_header Connection "";\n', "").replace(
        "        client_max_body_size 0;", '        client_max_body_size 0; proxy_set_header Connection "";'
    )
    assert found(tmp_path, moved) == []
