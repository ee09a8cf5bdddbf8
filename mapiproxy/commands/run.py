"""``mapiproxy run FILE``: the service in the foreground, without twistd.

Logs to standard output. SIGTERM and SIGINT stop it as the reactor stops: connections are ended and
the log is written out. Must not know what the service is made of.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapiproxy.commands.examining import print_problems, settings_or_exit

if TYPE_CHECKING:
    from mapiproxy.commands.faulty import Faults
    from mapiproxy.settings import Settings


@click.command(short_help="Run the proxy in the foreground.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--lab", is_flag=True, help="With lab.enabled in FILE: start its faulty devices, too.")
def run(file: Path, lab: bool) -> None:
    """Run what FILE says until SIGINT (Ctrl-C) or SIGTERM, logging to standard output."""
    settings = settings_or_exit(file, lab=lab)

    # Imported late: a broken file should be refused at once.
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred
    from twisted.internet.error import CannotListenError
    from twisted.logger import globalLogBeginner, textFileLogObserver

    from mapiproxy.net.certificates import BadCertificate
    from mapiproxy.net.steady import make_steady
    from mapiproxy.service import make_service

    make_steady(reactor)
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout)], redirectStandardIO=False)
    faults = _faults(settings, file, reactor) if lab else None
    try:
        service = make_service(settings, reactor, file)
        service.privilegedStartService()
        service.startService()
        if faults is not None:
            faults.start()
            reactor.addSystemEventTrigger(
                "before", "shutdown", lambda: Deferred.fromCoroutine(faults.stop())
            )
    except (BadCertificate, CannotListenError, OSError) as error:
        click.echo(f"{file}: {error}", err=True)
        raise SystemExit(1) from None
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()


def _faults(settings: Settings, file: Path, reactor: Any) -> Faults:
    """The laboratory's devices; ends the process with 1 if one cannot be made."""
    from mapiproxy.commands.faulty import Faults

    faults = Faults(settings, file, reactor)
    print_problems(faults.problems.in_order(), sys.stderr)
    if faults.problems.any_errors():
        raise SystemExit(1)
    return faults
