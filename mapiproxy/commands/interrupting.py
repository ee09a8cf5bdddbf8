"""Did somebody press Ctrl-C in the middle of something that is played in memory?

A Deferred keeps any exception that is raised in a callback, this one too. So it is noted as well as raised:
what was swallowed ends the work at the next chance. Must not know what is being played.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupt:
    """:ivar came: whether it came."""

    def __init__(self) -> None:
        self.came = False

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Note Ctrl-C, and raise KeyboardInterrupt as usual; where signals go elsewhere that stays so."""
        before = signal.getsignal(signal.SIGINT)
        if before is not signal.default_int_handler:
            # In the background it is ignored, and a reactor has plans of its own.
            yield
            return
        signal.signal(signal.SIGINT, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _note(self, number: int, frame: object) -> None:
        self.came = True
        raise KeyboardInterrupt
