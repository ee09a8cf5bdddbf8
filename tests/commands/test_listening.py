"""Where the listeners of a file are found from this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.settings_files import write_certificate, write_config

from mapiproxy.commands.listening import targets_of
from mapiproxy.selftest.target import BadTarget, Target

BACKEND = '[backend.exchange]\nkind = "exchange"\nservers = ["https://exch1.example.com"]\n'
LOG = "[log]\nenabled = false\n"


def listener(folder: Path, bind: str, name: str = "mail", certificate: str = "owa.example.com", more: str = "") -> str:
    pem, key = write_certificate(folder, certificate)
    return f'[listener.{name}]\nbind = "{bind}"\ncertificate = "{pem}"\nkey = "{key}"\n{more}'


@pytest.mark.parametrize(
    ("bind", "reach"),
    [
        ("0.0.0.0:443", ("127.0.0.1", 443)),
        ("[::]:8443", ("::1", 8443)),
        ("10.1.2.3:443", ("10.1.2.3", 443)),
        ("localhost:444", ("localhost", 444)),
    ],
)
def test_a_listener_is_reached_where_it_listens_by_the_name_of_its_certificate(tmp_path, bind, reach):
    file = write_config(tmp_path, listener(tmp_path, bind) + BACKEND + LOG)
    assert targets_of(file) == [("mail", Target("owa.example.com", reach[1], True, reach))]


def test_a_published_name_counts_more(tmp_path):
    vdir = '[backend.exchange.vdir.mapi]\nexternal_url = "https://mail.example.com/mapi"\n'
    file = write_config(tmp_path, listener(tmp_path, "0.0.0.0:443") + BACKEND + vdir + LOG)
    assert targets_of(file)[0][1].host == "mail.example.com"


def test_a_wildcard_is_filled_in(tmp_path):
    file = write_config(tmp_path, listener(tmp_path, "0.0.0.0:443", certificate="*.example.com") + BACKEND + LOG)
    assert targets_of(file)[0][1].host == "mail.example.com"


def test_plain_http_is_plain_http(tmp_path):
    file = write_config(tmp_path, '[listener.mail]\nbind = "127.0.0.1:8080"\ntls = false\n' + BACKEND + LOG)
    assert targets_of(file) == [("mail", Target("localhost", 8080, False, ("127.0.0.1", 8080)))]


@pytest.mark.parametrize(
    ("bind", "listener_more", "backend_more", "why"),
    [
        ("127.0.0.1:0", "", "", "its port is picked when it starts"),
        ("127.0.0.1:443", 'proxy_protocol = true\ntrusted = ["10.0.0.0/8"]\n', "", "it expects a PROXY header"),
        ("127.0.0.1:443", "", 'vdirs = ["owa"]\n', "it does not publish mapi"),
    ],
)
def test_what_cannot_be_tested_from_here_is_said(tmp_path, capsys, bind, listener_more, backend_more, why):
    file = write_config(tmp_path, listener(tmp_path, bind, more=listener_more) + BACKEND + backend_more + LOG)
    with pytest.raises(BadTarget, match="no listener that can be tested from here"):
        targets_of(file)
    assert f"listener mail is not tested: {why}" in capsys.readouterr().err


def test_a_file_that_cannot_be_run_is_said_with_its_lines(tmp_path, capsys):
    with pytest.raises(BadTarget, match="cannot be run"):
        targets_of(write_config(tmp_path, '[listener.mail]\nbnd = "x"\n'))
    assert "mapiproxy.toml:" in capsys.readouterr().err
