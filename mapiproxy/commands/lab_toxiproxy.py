"""``mapiproxy lab toxiproxy``: the network's faults behind the HTTP API that Toxiproxy's clients know."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import click
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.web.server import Site

from mapiproxy.commands.lab_device import print_happening
from mapiproxy.lab.network.addresses import is_loopback, show
from mapiproxy.lab.network.toxiproxy.api import Api
from mapiproxy.lab.network.toxiproxy.errors import ApiError
from mapiproxy.lab.network.toxiproxy.proxies import Proxies


@click.command(short_help="Run the network's faults behind Toxiproxy's HTTP API.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the API listens.")
@click.option("--port", type=click.IntRange(0, 65535), default=8474, show_default=True, help="Of the API.")
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A JSON list of proxies to begin with.")  # fmt: skip
@click.option("--seed", type=int, help="Of everything that is left to chance; printed if it is not given.")
@click.option("--anywhere", is_flag=True, help="The API and proxies may listen where others can reach them.")
def toxiproxy(host: str, port: int, config: Path | None, seed: int | None, anywhere: bool) -> None:
    """Serve Toxiproxy's API until Ctrl-C: proxies and their toxics are made and removed by its clients."""
    from twisted.internet import reactor as installed

    reactor: Any = installed
    if not anywhere and not is_loopback(host):
        raise click.ClickException(f"{host} is not a loopback address: give --anywhere")
    seed = SystemRandom().getrandbits(32) if seed is None else seed
    proxies = Proxies(reactor, Random(seed), print_happening, anywhere)
    wanted = _read(config)
    site = Site(Api(proxies, guarded=not anywhere))
    site.noisy = False
    try:
        listening = reactor.listenTCP(port, site, interface=host)
    except CannotListenError as error:
        raise click.ClickException(f"{show((host, port))}: {error.socketError}") from None
    url = f"http://{show((host, listening.getHost().port))}"
    click.echo(f"The API listens on {url} (seed {seed}). Ctrl-C stops.")
    failed: list[str] = []

    def populate() -> None:
        Deferred.fromCoroutine(proxies.populate(wanted)).addErrback(give_up)

    def give_up(failure: Any) -> None:
        failure.trap(ApiError)
        failed.append(failure.value.text)
        reactor.stop()

    reactor.callWhenRunning(populate)
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(proxies.stop()))
    reactor.run()
    if failed:
        raise click.ClickException(f"{config}: {failed[0]}")


def _read(config: Path | None) -> object:
    if config is None:
        return []
    try:
        return json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{config}: {error}") from None
