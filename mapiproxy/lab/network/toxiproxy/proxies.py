"""The proxies that clients of the API make: each a device, with its toxics, on or off.

Knows nothing of HTTP. What takes time (a port is free only when its listener has gone) is a coroutine, and
those are carried out one after the other: a proxy that is moved cannot be deleted in the middle of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from twisted.internet.defer import DeferredLock
from twisted.internet.error import CannotListenError

from mapiproxy.lab.happening import Tell, tell_nobody
from mapiproxy.lab.network.addresses import Address, is_loopback, show
from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.lane import RuleInPlay
from mapiproxy.lab.network.toxiproxy.errors import (
    ApiError,
    bad_body,
    missing,
    no_proxy,
    no_toxic,
    proxy_exists,
    toxic_exists,
)
from mapiproxy.lab.network.toxiproxy.toxics import Toxic, make_toxic


class Proxy:
    """One proxy.

    :ivar device: ``None`` while it is disabled.
    """

    def __init__(self, name: str, listen: Address, upstream: Address) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.device: Device | None = None
        self.toxics: dict[str, Toxic] = {}
        self.plays: dict[str, RuleInPlay] = {}
        self.received: dict[str, int] = {"upstream": 0, "downstream": 0}

    def plain(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "name": self.name,
            "listen": show(self.listen),
            "upstream": show(self.upstream),
            "enabled": self.device is not None,
            "toxics": [toxic.plain() for toxic in self.toxics.values()],
        }

    def toxic(self, name: str) -> Toxic:
        """:raise ApiError: there is none."""
        if name not in self.toxics:
            raise no_toxic()
        return self.toxics[name]

    def add(self, given: Mapping[str, Any]) -> Toxic:
        """:raise ApiError: it cannot be, or is already."""
        toxic = make_toxic(given)
        if toxic.name in self.toxics:
            raise toxic_exists()
        self._put(toxic)
        return toxic

    def change(self, name: str, given: Mapping[str, Any]) -> Toxic:
        """:raise ApiError: there is none, or a value is wrong."""
        toxic = self.toxic(name).changed(given)
        self._take_out(name)
        self._put(toxic)
        return toxic

    def remove(self, name: str) -> None:
        """:raise ApiError: there is none."""
        self.toxic(name)
        self._take_out(name)
        del self.toxics[name]

    def _put(self, toxic: Toxic) -> None:
        self.toxics[toxic.name] = toxic
        rule = toxic.rule()
        if self.device is not None and rule is not None:
            self.plays[toxic.name] = self.device.add(rule)

    def _take_out(self, name: str) -> None:
        play = self.plays.pop(name, None)
        if play is not None and self.device is not None:
            self.device.remove(play)

    def count(self) -> tuple[int, int]:
        """Bytes to the server and to the client, over all devices that it has had."""
        counters = self.device.counters if self.device is not None else None
        up, down = self.received["upstream"], self.received["downstream"]
        return up + (counters.to_server if counters else 0), down + (counters.to_client if counters else 0)


class Proxies:
    """All of them, by name.

    :param anywhere: they may listen on other addresses than loopback.
    """

    def __init__(
        self, reactor: Any, random: Random, tell: Tell = tell_nobody, anywhere: bool = False
    ) -> None:
        self._reactor = reactor
        self._random = random
        self._tell = tell
        self._anywhere = anywhere
        self._proxies: dict[str, Proxy] = {}
        self._turn = DeferredLock()

    def __iter__(self) -> Iterator[Proxy]:
        return iter(self._proxies.values())

    def get(self, name: str) -> Proxy:
        """:raise ApiError: there is none."""
        if name not in self._proxies:
            raise no_proxy()
        return self._proxies[name]

    async def create(self, given: Mapping[str, Any]) -> Proxy:
        """:raise ApiError: it cannot be, or is already."""
        async with self._turn:
            return self._create(given)

    def _create(self, given: Mapping[str, Any]) -> Proxy:
        proxy, enabled = self._read(given)
        if proxy.name in self._proxies:
            raise proxy_exists()
        if enabled:
            self._start(proxy)
        self._proxies[proxy.name] = proxy
        return proxy

    async def update(self, name: str, given: Mapping[str, Any]) -> Proxy:
        """Another address, or on and off; toxics stay.

        :raise ApiError: there is none, or a value is wrong.
        """
        async with self._turn:
            return await self._update(name, given)

    async def _update(self, name: str, given: Mapping[str, Any]) -> Proxy:
        proxy = self.get(name)
        enabled = _enabled(given, proxy.device is not None)
        listen, upstream = proxy.listen, proxy.upstream
        if given.get("listen"):
            listen = self._listen(given)
        if given.get("upstream"):
            upstream = _address(given, "upstream")
        moved = (listen, upstream) != (proxy.listen, proxy.upstream)
        if proxy.device is not None and (moved or not enabled):
            await self._stop(proxy)
        proxy.listen, proxy.upstream = listen, upstream
        if enabled and proxy.device is None:
            self._start(proxy)
        return proxy

    async def delete(self, name: str) -> None:
        """:raise ApiError: there is none."""
        async with self._turn:
            await self._delete(name)

    async def _delete(self, name: str) -> None:
        await self._stop(self.get(name))
        del self._proxies[name]

    async def populate(self, given: object) -> list[Proxy]:
        """Make those that are not there, replace those that differ, leave the others alone.

        :raise ApiError: at the first that cannot be; those before it have been made.
        """
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            raise bad_body("write a list of proxies")
        async with self._turn:
            return await self._populate(given)

    async def _populate(self, given: list[Mapping[str, Any]]) -> list[Proxy]:
        wanted = [(self._read(each), each) for each in given]
        made = []
        for (proxy, enabled), each in wanted:
            there = self._proxies.get(proxy.name)
            if there is not None and _same(there, proxy):
                if enabled != (there.device is not None):
                    await self._update(there.name, {"enabled": enabled})
                made.append(there)
                continue
            if there is not None:
                await self._delete(there.name)
            made.append(self._create(each))
        return made

    async def reset(self) -> None:
        """No toxics any more, and all proxies on."""
        async with self._turn:
            for proxy in list(self):
                for name in list(proxy.toxics):
                    proxy.remove(name)
                if proxy.device is None:
                    self._start(proxy)

    async def stop(self) -> None:
        """All of them."""
        async with self._turn:
            for proxy in list(self):
                await self._stop(proxy)

    def _read(self, given: Mapping[str, Any]) -> tuple[Proxy, bool]:
        name = given.get("name")
        if not name:
            raise missing("name")
        if not isinstance(name, str):
            raise bad_body("name is not a text")
        if not given.get("upstream"):
            raise missing("upstream")
        listen = self._listen(given) if given.get("listen") else ("127.0.0.1", 0)
        return Proxy(name, listen, _address(given, "upstream")), _enabled(given, True)

    def _listen(self, given: Mapping[str, Any]) -> Address:
        listen = _address(given, "listen", port_zero=True)
        if not self._anywhere and not is_loopback(listen[0]):
            where = listen[0] or "all addresses"
            raise ApiError(f"listen on {where}: only loopback is allowed; start with --anywhere", 400)
        return listen

    def _start(self, proxy: Proxy) -> None:
        device = Device(
            proxy.name, self._reactor, self._random, self._tell, to=[proxy.upstream], listen=proxy.listen,
            anywhere=self._anywhere, opaque=True,
        )  # fmt: skip
        try:
            port = device.start()
        except CannotListenError as error:
            raise ApiError(f"listen tcp {show(proxy.listen)}: {error.socketError}", 500) from None
        proxy.listen = (proxy.listen[0], port)
        proxy.device = device
        for toxic in proxy.toxics.values():
            rule = toxic.rule()
            if rule is not None:
                proxy.plays[toxic.name] = device.add(rule)

    async def _stop(self, proxy: Proxy) -> None:
        device, proxy.device = proxy.device, None
        proxy.plays.clear()
        if device is not None:
            proxy.received["upstream"] += device.counters.to_server
            proxy.received["downstream"] += device.counters.to_client
            await device.stop()


def _enabled(given: Mapping[str, Any], before: bool) -> bool:
    enabled = given.get("enabled", before)
    if not isinstance(enabled, bool):
        raise bad_body("enabled is neither true nor false")
    return enabled


def _address(given: Mapping[str, Any], name: str, port_zero: bool = False) -> Address:
    value = given[name]
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    known = port.isascii() and port.isdigit() and len(port) <= 5
    if not known or not (0 if port_zero else 1) <= int(port) <= 65535:
        raise bad_body(f'{name}: {json.dumps(value)} is not "HOST:PORT"')
    return host.strip("[]"), int(port)


def _same(there: Proxy, wanted: Proxy) -> bool:
    """Whether it is as it should be; port 0 is content with any."""
    (host, port), (wanted_host, wanted_port) = there.listen, wanted.listen
    return there.upstream == wanted.upstream and host == wanted_host and wanted_port in (0, port)
