"""source_affinity: an address stays where it is."""

from __future__ import annotations

from support.network import Bench

from mapiproxy.lab.network.devices.source_affinity import SourceAffinity


def test_one_address_one_server_and_addresses_are_spread() -> None:
    bench = Bench(SourceAffinity, servers=3)
    where = []
    for last in range(1, 13):
        for _ in range(2):
            before = [len(made) for made in bench.servers]
            bench.client(f"127.0.0.{last}")
            where.append(next(at for at, made in enumerate(bench.servers) if len(made) > before[at]))
    assert where[::2] == where[1::2]
    assert set(where) == {0, 1, 2}
