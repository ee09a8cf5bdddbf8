"""nginx.conf as a tree, and the location that a request takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapiproxy.lint.finding import CannotRead
from mapiproxy.lint.nginx import find_location, read_nginx, servers_of


def written(folder: Path, text: str, name: str = "nginx.conf") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_what_counts_is_the_innermost(tmp_path: Path) -> None:
    root = read_nginx(
        written(tmp_path, "http { proxy_buffering off; server { proxy_buffering on; location / { x; } } }")
    )
    (server,) = servers_of(root)
    (location,) = server.all("location")
    assert location.value("proxy_buffering") == "on"
    assert location.value("nothing") is None
    assert str(location) == "location /"


def test_includes_are_read_in_their_places_and_missing_ones_forgiven(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    written(tmp_path / "conf.d", "server { listen 443 ssl; location / { proxy_pass http://a; } }", "mail.conf")
    root = read_nginx(written(tmp_path, "http {\n include conf.d/*.conf;\n include /nowhere/there.conf;\n}"))
    (server,) = servers_of(root)
    assert server.file.endswith("mail.conf")
    assert server.line == 1


def test_a_file_of_sites_available_stands_alone(tmp_path: Path) -> None:
    root = read_nginx(written(tmp_path, "upstream u { server a:1; }\nserver { location / { proxy_pass http://u; } }"))
    assert [node.line for node in servers_of(root)] == [2]


@pytest.mark.parametrize("text", ["http { server {", "http { }}", 'http { x "open; }'])
def test_what_is_broken_is_told_with_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(CannotRead, match=r"nginx\.conf"):
        read_nginx(written(tmp_path, text))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match=r"nothing\.conf"):
        read_nginx(tmp_path / "nothing.conf")


@pytest.mark.parametrize(
    ("locations", "chosen"),
    [
        (["/", "/mapi", "/mapi/emsmdb"], "/mapi/emsmdb"),
        (["/", "~* ^/mapi"], "~* ^/mapi"),
        (["^~ /mapi", "~* ^/mapi"], "^~ /mapi"),
        (["/mapi/", "~ ^/MAPI", "~* ^/(ews|mapi)"], "~* ^/(ews|mapi)"),
        (["= /mapi/emsmdb/", "~* ^/mapi"], "= /mapi/emsmdb/"),
        (["@named", "/ews"], None),
        (["/", "~* ^/mapi(?<x>.*)(*SKIP)"], "/"),
    ],
)
def test_nginx_chooses_a_location(tmp_path: Path, locations: list[str], chosen: str | None) -> None:
    blocks = " ".join(f"location {each} {{ proxy_pass http://a; }}" for each in locations)
    (server,) = servers_of(read_nginx(written(tmp_path, f"server {{ {blocks} }}")))
    found = find_location(server, "/mapi/emsmdb/")
    assert (found and " ".join(found.args)) == chosen
