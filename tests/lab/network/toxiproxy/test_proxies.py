"""Proxies of the API over a reactor in memory: made, changed, populated, reset."""

from __future__ import annotations

from collections.abc import Coroutine
from random import Random
from typing import Any

import pytest
from support.memory_network import MemoryReactor
from support.network import Peer, _Made
from twisted.internet.defer import Deferred

from mapiproxy.lab.network.toxiproxy.errors import ApiError
from mapiproxy.lab.network.toxiproxy.proxies import Proxies


class Table:
    """Proxies in front of one server."""

    def __init__(self, anywhere: bool = False) -> None:
        self.reactor = MemoryReactor()
        self.heard: list[Peer] = []
        self.server = self.reactor.listenTCP(0, _Made(self.heard)).getHost().port
        self.proxies = Proxies(self.reactor, Random(1), anywhere=anywhere)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        done: list[Any] = []
        Deferred.fromCoroutine(coroutine).addBoth(done.append)
        self.reactor.settle()
        (result,) = done
        if hasattr(result, "raiseException"):
            result.raiseException()
        return result

    def create(self, name: str = "one", **more: Any) -> Any:
        return self.run(self.proxies.create({"name": name, "upstream": f"127.0.0.1:{self.server}", **more}))

    def client(self, proxy: Any) -> Peer:
        made: list[Peer] = []
        self.reactor.connectTCP("127.0.0.1", proxy.listen[1], _Made(made))
        self.reactor.settle()
        return made[0] if made else None


def test_a_proxy_passes_bytes_and_counts_them() -> None:
    table = Table()
    proxy = table.create()
    client = table.client(proxy)
    client.transport.write(b"GET / ")
    table.reactor.settle()
    assert table.heard[0].data == b"GET / "
    assert proxy.count() == (6, 0)
    table.run(table.proxies.update("one", {"enabled": False}))
    assert proxy.count() == (6, 0)


def test_a_toxic_works_at_once_and_is_taken_away() -> None:
    table = Table()
    proxy = table.create()
    client = table.client(proxy)
    proxy.add({"type": "latency", "attributes": {"latency": 1000}})
    table.heard[0].transport.write(b"late")
    table.reactor.wait(0.9)
    assert client.data == b""
    table.reactor.wait(0.2)
    assert client.data == b"late"
    proxy.change("latency_downstream", {"attributes": {"latency": 60000}})
    table.heard[0].transport.write(b"later")
    table.reactor.wait(5)
    assert client.data == b"late"
    proxy.remove("latency_downstream")
    table.reactor.settle()
    assert client.data == b"latelater"


def test_disabled_it_refuses_and_keeps_its_toxics_and_its_port() -> None:
    table = Table()
    proxy = table.create()
    client = table.client(proxy)
    proxy.add({"type": "limit_data", "attributes": {"bytes": 3}})
    table.run(table.proxies.update("one", {"enabled": False}))
    assert client.end == "ConnectionLost"
    assert table.client(proxy) is None
    port = proxy.listen[1]
    table.run(table.proxies.update("one", {"enabled": True}))
    assert proxy.listen[1] == port
    client = table.client(proxy)
    table.heard[-1].transport.write(b"abcdef")
    table.reactor.settle()
    assert (client.data, client.end) == (b"abc", "ConnectionDone")


def test_reset_removes_toxics_and_enables() -> None:
    table = Table()
    proxy = table.create(enabled=False)
    proxy.add({"type": "timeout"})
    assert proxy.plain()["enabled"] is False
    table.run(table.proxies.reset())
    assert proxy.plain()["toxics"] == []
    assert table.client(proxy) is not None


def test_populate_is_idempotent_and_replaces_what_differs() -> None:
    table = Table()
    wanted = [{"name": name, "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{table.server}"} for name, port in (("a", 7001), ("b", 7002))]
    first = table.run(table.proxies.populate(wanted))
    first[0].add({"type": "latency"})
    again = table.run(table.proxies.populate(wanted))
    assert again == first
    wanted[1]["upstream"] = "127.0.0.1:9"
    third = table.run(table.proxies.populate(wanted))
    assert (third[0], third[1] is first[1]) == (first[0], False)
    assert third[1].plain()["upstream"] == "127.0.0.1:9"


def test_the_timeout_toxic_closes_when_it_is_removed() -> None:
    table = Table()
    proxy = table.create()
    client = table.client(proxy)
    proxy.add({"type": "timeout"})
    table.heard[0].transport.write(b"lost")
    table.reactor.settle()
    proxy.remove("timeout_downstream")
    table.reactor.settle()
    assert (client.data, client.end) == (b"", "ConnectionDone")


@pytest.mark.parametrize(
    ("given", "text", "status"),
    [
        ({}, "missing required field: name", 400),
        ({"name": "x"}, "missing required field: upstream", 400),
        ({"name": "x", "upstream": "nowhere"}, "bad request body: upstream", 400),
        ({"name": "x", "upstream": "a:1", "listen": "b"}, "bad request body: listen", 400),
        ({"name": "x", "upstream": "a:1", "listen": "0.0.0.0:1"}, "listen on 0.0.0.0: only loopback", 400),
        ({"name": "x", "upstream": "a:1", "listen": ":1"}, "listen on all addresses: only loopback", 400),
        ({"name": "x", "upstream": "a:1", "enabled": "yes"}, "bad request body: enabled", 400),
        ({"name": "one", "upstream": "a:1"}, "proxy already exists", 409),
    ],
)
def test_mistakes(given: dict[str, Any], text: str, status: int) -> None:
    table = Table()
    table.create()
    with pytest.raises(ApiError) as caught:
        table.run(table.proxies.create(given))
    assert caught.value.text.startswith(text)
    assert caught.value.status == status


def test_anywhere_it_may() -> None:
    assert Table(anywhere=True).create(listen="0.0.0.0:0").listen[0] == "0.0.0.0"


def test_what_is_not_there() -> None:
    table = Table()
    proxy = table.create()
    for missing in (lambda: table.proxies.get("two"), lambda: proxy.remove("x"), lambda: proxy.change("x", {})):
        with pytest.raises(ApiError, match="not found"):
            missing()
    proxy.add({"type": "latency"})
    with pytest.raises(ApiError, match="toxic already exists"):
        proxy.add({"type": "latency"})


def test_what_takes_time_is_done_one_after_the_other() -> None:
    """Deleted while it moves, a proxy would be left listening where nobody could reach it any more."""
    table = Table()
    proxy = table.create()
    table.client(proxy)
    done: list[Any] = []
    for order in (table.proxies.update("one", {"listen": "127.0.0.1:0"}), table.proxies.delete("one")):
        Deferred.fromCoroutine(order).addBoth(done.append)
    table.reactor.settle()

    assert len(done) == 2
    assert list(table.proxies) == []
    assert proxy.device is None


@pytest.mark.parametrize("upstream", ["127.0.0.1:\u00b2", "127.0.0.1:" + "9" * 5000, "127.0.0.1:"])
def test_a_port_that_is_no_number_is_a_bad_request(upstream: str) -> None:
    with pytest.raises(ApiError, match=r"is not .HOST:PORT.") as caught:
        Table().create(upstream=upstream)

    assert caught.value.status == 400
