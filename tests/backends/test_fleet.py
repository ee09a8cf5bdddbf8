"""Who may take a new session."""

from __future__ import annotations

from mapiproxy.backends.fleet import Backend, Pool
from mapiproxy.backends.kind import Kind


def test_those_that_are_down_without_weight_or_tried_may_not():
    backends = tuple(Backend(name, "h", 443) for name in "abcd")
    pool = Pool("mapi", Kind.EXCHANGE, backends)
    backends[0].up = False
    backends[1].weight = 0

    assert [b.name for b in pool.able(["c"])] == ["d"]
    assert pool.by_name["b"] is backends[1]


def test_the_repr_is_the_state():
    backend = Backend("one", "h", 443, up=False, connections=3)

    assert repr(backend) == "<Backend one DOWN ready weight=100 conns=3>"
