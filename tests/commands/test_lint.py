"""``mapiproxy lint`` for people, for scripts, and for files that are nothing of the kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mapiproxy.commands import main
from mapiproxy.commands.lint import find_kind

HAPROXY = "frontend f\n  mode http\n  bind :443 ssl alpn h2\n  timeout client 10s\n  default_backend b\nbackend b\n  mode http\n  server a 10.0.0.1:443 ssl\n"
NGINX = "server {\n  listen 443 ssl;\n  location / {\n    proxy_pass https://10.0.0.1;\n  }\n}\n"


def run(folder: Path, *arguments: str, **files: str) -> Result:
    paths = []
    for name, text in files.items():
        paths.append(folder / name)
        paths[-1].write_text(text)
    return CliRunner().invoke(main, ["lint", *arguments, *map(str, paths)])


def test_people_are_told_line_rule_reason_and_remedy(tmp_path: Path) -> None:
    result = run(tmp_path, haproxy=HAPROXY)
    assert result.exit_code == 1
    assert f"{tmp_path}/haproxy:4: error [timeout-short] timeout client 10s\n" in result.output
    assert "    a NotificationWait is silent between two PENDINGs" in result.output
    assert "    write: timeout client 5m\n" in result.output
    assert "errors" in result.output.splitlines()[-1]


def test_scripts_get_json(tmp_path: Path) -> None:
    result = run(tmp_path, "--json", nginx=NGINX)
    reply = json.loads(result.output)
    assert result.exit_code == 1
    assert {"answer-buffered", "body-limit"} <= {each["rule"] for each in reply["findings"]}
    (buffered,) = (each for each in reply["findings"] if each["rule"] == "answer-buffered")
    assert (buffered["line"], buffered["severity"], buffered["instead"]) == (3, "error", "proxy_buffering off")
    assert reply["unread"] == []


def test_several_files_and_notes_left_out(tmp_path: Path) -> None:
    loud = run(tmp_path, haproxy=HAPROXY, nginx=NGINX).output
    quiet = run(tmp_path, "-q", haproxy=HAPROXY, nginx=NGINX).output
    assert "note [" in loud
    assert "note [" not in quiet
    assert "/nginx:" in quiet
    assert "/haproxy:" in quiet


def test_a_file_that_cannot_be_read_is_2_and_the_others_are_told_all_the_same(tmp_path: Path) -> None:
    result = run(tmp_path, haproxy=HAPROXY, broken="hello\n")
    assert result.exit_code == 2
    assert "timeout-short" in result.output
    assert f"cannot read {tmp_path}/broken:1: 'hello' stands before any section" in result.stderr
    missing = CliRunner().invoke(main, ["lint", str(tmp_path / "none")])
    assert missing.exit_code == 2
    assert "none" in missing.stderr


def test_a_configuration_of_several_files_is_read_as_one(tmp_path: Path) -> None:
    general = "global\n  tune.bufsize 131072\ndefaults\n  mode http\n  timeout client 10s\n  timeout server 5m\n"
    front = "frontend f\n  bind :443 ssl alpn http/1.1\n  default_backend b\n"
    back = "backend b\n  balance source\n  server a 10.0.0.1:443 ssl check\n"
    result = run(tmp_path, a=general, b=front, c=back)
    assert "mapi-unrouted" not in result.output
    assert f"{tmp_path}/a:5: error [timeout-short] timeout client 10s\n" in result.output
    assert f"{tmp_path}/c:2: warning [address-affinity] balance source\n" in result.output
    assert "mapi-unrouted" in run(tmp_path, b=front).output


def test_a_file_that_cannot_be_read_is_not_called_harmless(tmp_path: Path) -> None:
    result = run(tmp_path, broken="hello\n")
    assert result.exit_code == 2
    assert result.stdout == ""


def test_a_file_that_includes_itself_is_told(tmp_path: Path) -> None:
    result = run(tmp_path, loop=f"http {{\n include {tmp_path}/loop;\n}}\n")
    assert result.exit_code == 2
    assert "a file includes itself" in result.stderr


def test_lines_that_are_not_finished_are_no_reason_to_fall_over(tmp_path: Path) -> None:
    words = (
        "maxconn;tune.bufsize;mode;balance;server;timeout;timeout client;timeout server;http-request;acl;bind;option"
        ";cookie;compression;compression algo;default-server;http-reuse;retry-on;stick;use_backend;acl p path_beg;"
        "acl q path -m;http-request set-path;http-response del-header;http-request deny if { src_conn_cur gt;option httpchk"
    )
    lines = "".join(f" {line}\n" for line in words.split(";"))
    haproxy = f"global\n{lines}backend b\n{lines}frontend f\n{lines} mode http\n default_backend b\n"
    inside = (
        "proxy_read_timeout;client_max_body_size;large_client_header_buffers 4;limit_conn;rewrite;proxy_hide_header;"
        "proxy_http_version;gzip;gzip_types;limit_req;try_files;proxy_next_upstream;proxy_set_header;http2;"
    )
    nginx = f"server {{ listen; location {{ proxy_pass; }} location /mapi {{ proxy_pass; {inside} }} {inside} }}"
    result = run(tmp_path, haproxy=haproxy, nginx=nginx)
    assert result.exit_code == 1, result.output
    assert result.stderr == ""


def test_words_of_the_file_cannot_steer_a_terminal(tmp_path: Path) -> None:
    result = run(tmp_path, haproxy=HAPROXY.replace("10s", "10s \x1b[2J"))
    assert "\x1b" not in result.output


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (HAPROXY, "haproxy"),
        (NGINX, "nginx"),
        ("# x;\n", "haproxy"),
        ("http { server { listen 443; } }\n", "nginx"),
        (HAPROXY + "  http-response set-header Strict-Transport-Security max-age=16000000;\\ preload;\n", "haproxy"),
        (".if defined(X)\nglobal\n  log-tag x;\n.endif\n", "haproxy"),
    ],
)
def test_the_kind_is_told_by_the_lines(text: str, kind: str) -> None:
    assert find_kind(text) == kind
