"""``mapiproxy run FILE``: the service in the foreground, without twistd.

Logs to standard output. SIGTERM and SIGINT stop it as the reactor stops: connections are ended and
the log is written out. Must not know what the service is made of.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mapiproxy.commands.examining import settings_or_exit


@click.command(short_help="Run the proxy in the foreground.")
@click.argument("file", type=click.Path(path_type=Path))
def run(file: Path) -> None:
    """Run what FILE says until SIGINT (Ctrl-C) or SIGTERM, logging to standard output."""
    settings = settings_or_exit(file)

    # Imported late: a broken file should be refused at once.
    from twisted.internet import reactor
    from twisted.internet.error import CannotListenError
    from twisted.logger import globalLogBeginner, textFileLogObserver

    from mapiproxy.net.certificates import BadCertificate
    from mapiproxy.net.steady import make_steady
    from mapiproxy.service import make_service

    make_steady(reactor)
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout)], redirectStandardIO=False)
    try:
        service = make_service(settings, reactor, file)
        service.privilegedStartService()
        service.startService()
    except (BadCertificate, CannotListenError, OSError) as error:
        click.echo(f"{file}: {error}", err=True)
        raise SystemExit(1) from None
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()
