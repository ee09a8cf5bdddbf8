"""A headless Chromium: looked at from outside, or driven through its debugging pipe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    # Whatever the browser wants to know for itself, it learns from nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
PATIENCE = 60.0


class Visit:
    """What came of looking at a page for some seconds of the browser's own time.

    :ivar page: the document at the end; ``console`` its messages.
    """

    def __init__(self, url: str, seconds: int) -> None:
        with _folder() as folder:
            done = subprocess.run(
                [str(CHROMIUM), *FLAGS, "--enable-logging=stderr", "--log-level=0", f"--user-data-dir={folder}/p",
                 f"--virtual-time-budget={seconds * 1000}", "--dump-dom", url],
                capture_output=True, text=True, timeout=2 * PATIENCE, check=False,
            )  # fmt: skip
            self.page = done.stdout
            self.console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Tab:
    """One page, driven.

    :ivar problems: errors in its console, and exceptions nobody caught.
    :ivar asked: each URL that the page asked for.
    """

    def __init__(self, read: Any, write: Any) -> None:
        self._read, self._write = read, write
        self._number = 0
        self._session: str | None = None
        self.problems: list[str] = []
        self.asked: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the DevTools protocol, and its result."""
        self._number += 1
        order = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            order["sessionId"] = self._session
        self._write.write(json.dumps(order).encode() + b"\0")
        self._write.flush()
        while True:
            said = self._hear()
            if said.get("id") == self._number:
                assert "error" not in said, said
                result: dict[str, Any] = said["result"]
                return result

    def _hear(self) -> dict[str, Any]:
        came = bytearray()
        while not came.endswith(b"\0"):
            piece = self._read.read(1)
            assert piece, "the browser ended"
            came += piece
        said: dict[str, Any] = json.loads(came[:-1])
        if said.get("method") == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(said["params"]))
        elif said.get("method") == "Network.requestWillBeSent":
            self.asked.append(said["params"]["request"]["url"])
        elif said.get("method") == "Log.entryAdded" and said["params"]["entry"]["level"] in ("error", "warning"):
            self.problems.append(said["params"]["entry"]["text"])
        return said

    def screen(self, width: int, height: int = 844) -> None:
        """As wide and as high as that from now on."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def open(self, url: str) -> None:
        """Go there, and wait until it is loaded."""
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def value(self, expression: str) -> Any:
        """Of a JavaScript expression; not subject to the page's own policy."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait for it to be true."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                if self.value(expression):
                    return
            except AssertionError:
                if time.monotonic() > end:
                    raise  # otherwise: between two pages
            assert time.monotonic() < end, expression
            time.sleep(0.05)

    def click(self, selector: str) -> None:
        """As a person would."""
        self.value(f"document.querySelector({json.dumps(selector)}).click()")


@contextmanager
def browsing() -> Iterator[Tab]:
    """A browser with one page."""
    with _folder() as folder:
        (their_in, our_out), (our_in, their_out) = os.pipe(), os.pipe()
        flags = [*FLAGS, f"--user-data-dir={folder}/p", "--remote-debugging-pipe"]
        # The pipe is at 3 and 4, wherever it is with us.
        process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{their_in} 4>&{their_out}', str(CHROMIUM), *flags],
            pass_fds=(their_in, their_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(their_in)
        os.close(their_out)
        with os.fdopen(our_in, "rb") as read, os.fdopen(our_out, "wb") as write:
            try:
                yield Tab(read, write)
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
