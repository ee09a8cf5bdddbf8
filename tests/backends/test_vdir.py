"""The virtual directories that are known."""

from __future__ import annotations

import pytest

from mapiproxy.backends.kind import Kind
from mapiproxy.backends.vdir import METHODS, SHAPES, USUAL, VirtualDirectory


def test_exchange_has_all_but_powershell_unless_somebody_says_so():
    assert set(SHAPES) - set(USUAL[Kind.EXCHANGE]) == {"powershell"}
    assert set(USUAL[Kind.GROMMUNIO]) < set(USUAL[Kind.EXCHANGE])
    assert "owa" not in USUAL[Kind.GROMMUNIO]


def test_paths_are_in_lower_case_and_belong_to_one_directory():
    paths = [path for shape in SHAPES.values() for path in shape.paths]
    assert len(paths) == len(set(paths))
    assert all(path == path.lower() and path.startswith("/") and not path.endswith("/") for path in paths)


@pytest.mark.parametrize(
    ("name", "protocol"),
    [("mapi", "Mapi"), ("rpc", "RpcHttp"), ("microsoft-server-activesync", "Eas"), ("oab", "Oab")],
)
def test_each_has_the_log_folder_that_exchange_gives_it(name, protocol):
    assert SHAPES[name].protocol == protocol


def test_methods_of_iis_stand_for_schemes_of_http():
    offered = VirtualDirectory("mapi", iis_authentication_methods=("NTLM", "OAuth"))
    assert offered.schemes == {"ntlm", "bearer"}
    assert VirtualDirectory("mapi").schemes is None
    assert set(METHODS) == {"Basic", "NTLM", "Negotiate", "OAuth"}
