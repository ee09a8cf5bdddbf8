"""``twistd mapiproxy --config FILE``: from twistd's command line to a service.

``twistd --help`` need not load us; this file is imported only for our own options, and imports the
rest when a service is made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from twisted.application.service import IService
from twisted.python import usage


class Options(usage.Options):
    """The command line of the plugin."""

    synopsis = "--config FILE"
    longdesc = "A reverse proxy that understands MAPI over HTTP. See also: mapiproxy check FILE"
    optParameters: ClassVar[list[list[str | None]]] = [
        ["config", "c", None, "The TOML file that says what to run (see conf/mapiproxy.toml)."],
    ]

    def postOptions(self) -> None:
        if not self["config"]:
            raise usage.UsageError("--config FILE is missing")


def makeService(options: Options) -> IService:
    """The service; prints what is wrong with the file and raises SystemExit(1) if it cannot be
    run.
    """
    from mapiproxy.commands.examining import settings_or_exit

    file = Path(options["config"]).absolute()
    settings = settings_or_exit(file)

    from twisted.internet import reactor

    from mapiproxy.service import make_service, make_steady

    make_steady(reactor)
    service: Any = make_service(settings, reactor, file)
    return service  # type: ignore[no-any-return]
