"""Which pool serves a path."""

from __future__ import annotations

import pytest

from mapiproxy.backends.fleet import Pool
from mapiproxy.backends.kind import Kind
from mapiproxy.backends.sessions import Sessions
from mapiproxy.backends.vdir import VirtualDirectory
from mapiproxy.policy.rules import Rules

MAPI = Pool("mapi", Kind.GROMMUNIO, ())
RPC = Pool("mapi", Kind.EXCHANGE, (), VirtualDirectory("rpc"))
OFF = Pool("mapi", Kind.EXCHANGE, (), VirtualDirectory("owa", enabled=False))


@pytest.mark.parametrize("path", ["/mapi", "/mapi/", "/MAPI/emsmdb/", "/Mapi/nspi"])
def test_a_path_is_matched_without_regard_to_case(path):
    """Complaint 40."""
    assert Rules((MAPI,), Sessions()).pool_for(path) is MAPI


@pytest.mark.parametrize("path", ["/", "/mapix", "/owa/mapi/", "/map", ""])
def test_a_prefix_ends_where_a_segment_ends(path):
    assert Rules((MAPI,), Sessions()).pool_for(path) is None


def test_each_path_has_the_pool_of_its_virtual_directory():
    rules = Rules((MAPI, RPC, OFF), Sessions())

    assert rules.pool_for("/mapi/emsmdb/") is MAPI
    assert rules.pool_for("/Rpc/rpcproxy.dll") is RPC
    assert rules.pool_for("/rpcwithcert/rpcproxy.dll") is RPC
    assert rules.pool_for("/owa/") is None
    assert rules.pool_for("/ews/") is None


def test_paths_of_strangers_do_not_fill_the_memory():
    rules = Rules((MAPI,), Sessions())
    for number in range(5000):
        assert rules.pool_for(f"/{number}") is None

    assert len(rules._found) <= 1024
    assert rules.pool_for("/mapi/") is MAPI


def test_without_a_pool_the_kind_is_that_of_the_first():
    assert Rules((MAPI, RPC), Sessions()).kind is Kind.GROMMUNIO
    assert Rules((), Sessions()).kind is Kind.EXCHANGE
