"""The laboratory's devices before the listeners of a production proxy: only when two keys are turned.

``[lab] enabled = true`` in the file, and ``--lab`` on the command line. With one of them alone nothing runs
at all, and without both nothing of the laboratory is even imported. The proxy does not know about it: a
device is a listener of its own that passes on to one of the proxy's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.logger import Logger

from mapiproxy.settings import Listener, Settings, read_settings
from mapiproxy.settings.problems import KeyPath, Problems, meant

_KEYS = "listen, listener, device, tls, rules, and the settings of the device"


class Faults:
    """Devices that are not started. :ivar problems: why some could not be made, with lines."""

    def __init__(self, settings: Settings, file: Path, reactor: Any) -> None:
        # The lines of the keys are known to who reads the file.
        self.problems = Problems(file, read_settings(file).problems.lines)
        self._devices = [
            made
            for number, table in enumerate(settings.lab.device)
            if (made := self._make(number, dict(table), settings, reactor)) is not None
        ]
        self._log = Logger(namespace="mapiproxy")

    def _make(self, number: int, table: dict[str, Any], settings: Settings, reactor: Any) -> Any:
        from random import SystemRandom

        from mapiproxy.lab.network.devices import make_device
        from mapiproxy.lab.network.reading import BadRule

        path: KeyPath = ("lab", "device", number)
        listener = self._listener(table.pop("listener", None), path, settings)
        tls = self._tls(table.pop("tls", "pass"), path, listener)
        if "listen" not in table:
            self.problems.missing((*path, "listen"), 'missing; write listen = "127.0.0.1:8443"')
        if listener is None or "listen" not in table:
            return None
        bind = listener.bind[0]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind.host, bind.host)
        table.setdefault("device", "wire")
        try:
            # Whoever has turned both keys means the address that stands there.
            return make_device(
                table, reactor, SystemRandom(), self._told, tls=tls, to=[(host, bind.port)], anywhere=True
            )
        except BadRule as bad:
            named = [word for word in str(bad).split(": ") if word in table]
            self.problems.error((*path, *named[:1]), str(bad))
            return None

    def _listener(self, name: Any, path: KeyPath, settings: Settings) -> Listener | None:
        names = [each.name for each in settings.listeners]
        if name is None and len(names) == 1:
            return settings.listeners[0]
        for each in settings.listeners:
            if each.name == name:
                return each
        self.problems.error((*path, "listener"), f"name one of: {', '.join(names)}{meant(str(name), names)}")
        return None

    def _tls(self, word: Any, path: KeyPath, listener: Listener | None) -> Any:
        from mapiproxy.lab.network.tls import PASS_THROUGH, Termination

        if listener is None or listener.tls is None:
            return None
        if word == "pass":
            return PASS_THROUGH
        files = listener.tls.certificates[0]
        if word != "end":
            self.problems.error((*path, "tls"), 'must be "pass" or "end"')
        elif files.certificate is None or files.key is None:
            self.problems.error((*path, "tls"), "the listener has no certificate and key as PEM files")
        else:
            return Termination(files.certificate, files.key, verify=False)
        return PASS_THROUGH

    def start(self) -> None:
        """Listen. :raise CannotListenError:"""
        for device in self._devices:
            port = device.start()
            self._log.warn(
                "FAULTS ARE ON: the laboratory's device {name} listens on port {port}",
                name=device.name,
                port=port,
            )

    async def stop(self) -> None:
        """All faults are gone."""
        for device in self._devices:
            await device.stop()

    def _told(self, happening: Any) -> None:
        if happening.kind == "fault":
            self._log.info("lab: {lane}: {label} {detail}", lane=happening.lane, label=happening.label,
                           detail=happening.detail)  # fmt: skip
