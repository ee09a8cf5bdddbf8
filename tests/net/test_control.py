"""The control socket: who may connect, what is answered, and what cannot break it."""

from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.trial.unittest import TestCase

from mapiproxy.net.control import LONGEST, MOST, ControlInUse, ControlSocket

#: A few of these are more than a socket and a transport hold for one who does not read.
BULKY = "x" * 100_000


def answer(order: dict[str, Any]) -> dict[str, Any]:
    if order.get("command") == "bug":
        raise RuntimeError("secret detail")
    if order.get("command") == "bulky":
        return {"ok": True, "asked": BULKY}
    return {"ok": True, "asked": order}


class ControlCase(TestCase):
    timeout = 20

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        # A socket's name has to be short.
        self.path = Path(os.path.relpath(folder / "c"))
        self.events: list[dict[str, Any]] = []
        self.control = ControlSocket(self.path, answer, reactor, Logger(observer=self.events.append))
        self.addCleanup(self.control.stop)

    def ask(self, *lines: bytes) -> list[dict[str, Any]]:
        """In a thread: lines sent in one piece, and a reply to each."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            line.connect(str(self.path))
            line.sendall(b"".join(each + b"\n" for each in lines))
            with line.makefile("rb") as came:
                return [json.loads(came.readline()) for _ in lines]

    @inlineCallbacks
    def test_a_line_of_json_is_answered_with_one(self) -> Any:
        self.control.start()
        replies = yield deferToThread(self.ask, b'{"command": "a"}', b'{"command": "b"}')

        self.assertEqual([reply["asked"]["command"] for reply in replies], ["a", "b"])

    def test_nobody_else_may_connect(self) -> None:
        self.control.start()

        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_the_mask_of_the_process_is_as_it_was(self) -> None:
        before = os.umask(0o022)
        try:
            self.control.start()
            self.assertEqual(os.umask(0o022), 0o022)
        finally:
            os.umask(before)

    @inlineCallbacks
    def test_what_is_no_order_is_told_so_and_the_next_is_heard(self) -> Any:
        self.control.start()
        replies = yield deferToThread(self.ask, b"hello", b"[1]", b'{"command": "a"}')

        self.assertIn("that is no JSON", replies[0]["error"])
        self.assertEqual(replies[1]["error"], "an order is a JSON object")
        self.assertTrue(replies[2]["ok"])

    @inlineCallbacks
    def test_a_bug_is_logged_and_its_details_are_kept(self) -> Any:
        self.control.start()
        (reply,) = yield deferToThread(self.ask, b'{"command": "bug"}')

        self.assertNotIn("secret", reply["error"])
        self.assertEqual(str(self.events[-1]["log_failure"].value), "secret detail")

    @inlineCallbacks
    def test_an_endless_order_is_refused(self) -> Any:
        self.control.start()
        (reply,) = yield deferToThread(self.ask, b"x" * (LONGEST * 3))

        self.assertFalse(reply["ok"])

    @inlineCallbacks
    def test_a_long_order_is_refused_even_if_its_end_comes_along(self) -> Any:
        self.control.start()
        (reply,) = yield deferToThread(self.ask, b" " * LONGEST + b"{}")

        self.assertIn("64 KiB", reply["error"])

    @inlineCallbacks
    def test_who_has_asked_all_and_says_so_is_still_answered(self) -> Any:
        self.control.start()

        def pipe() -> bytes:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(10)
                line.connect(str(self.path))
                line.sendall(b'{"command": "bulky"}\n')
                line.shutdown(socket.SHUT_WR)
                with line.makefile("rb") as came:
                    return came.read()

        came = yield deferToThread(pipe)
        self.assertEqual(json.loads(came)["asked"], BULKY)

    @inlineCallbacks
    def test_orders_wait_while_their_answers_are_not_read(self) -> Any:
        asked: list[Any] = []
        self.control.answer = lambda order: asked.append(order) or answer(order)  # type: ignore[func-returns-value]
        self.control.start()

        def flood() -> tuple[int, int]:
            with socket.socket(socket.AF_UNIX) as line, line.makefile("rb") as came:
                line.settimeout(10)
                line.connect(str(self.path))
                line.sendall(b'{"command": "bulky"}\n' * 100)
                first = json.loads(came.readline())["ok"]
                return len(asked), first + sum(json.loads(came.readline())["ok"] for _ in range(99))

        early, answered = yield deferToThread(flood)
        self.assertLess(early, 50)
        self.assertEqual(answered, 100)

    @inlineCallbacks
    def test_what_a_dead_process_left_is_taken_over(self) -> Any:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.path))
        self.control.start()
        (reply,) = yield deferToThread(self.ask, b"{}")

        self.assertTrue(reply["ok"])

    def test_a_socket_in_use_is_left_alone(self) -> None:
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.path))
            other.listen()
            error = self.assertRaises(ControlInUse, self.control.start)
        self.assertIn(str(self.path), str(error))

    def test_a_process_that_hangs_is_not_taken_for_a_dead_one(self) -> None:
        with socket.socket(socket.AF_UNIX) as other, socket.socket(socket.AF_UNIX) as waiting:
            other.bind(str(self.path))
            other.listen(0)
            waiting.connect(str(self.path))
            self.assertRaises(ControlInUse, self.control.start)
            self.assertTrue(self.path.is_socket())

    def test_a_file_that_is_no_socket_is_left_alone(self) -> None:
        self.path.write_text("[proxy]")
        error = self.assertRaises(FileExistsError, self.control.start)

        self.assertEqual((str(error), self.path.read_text()), (f"{self.path} exists and is no socket", "[proxy]"))

    @inlineCallbacks
    def test_the_file_goes_with_the_socket(self) -> Any:
        self.control.start()
        yield self.control.stop()

        self.assertFalse(self.path.exists())

    @inlineCallbacks
    def test_too_many_at_a_time_are_turned_away(self) -> Any:
        self.control.start()

        def crowd() -> list[bytes]:
            lines = [socket.socket(socket.AF_UNIX) for _ in range(MOST + 1)]
            try:
                for line in lines:
                    line.settimeout(10)
                    line.connect(str(self.path))
                    line.sendall(b"{}\n") if line is not lines[-1] else None
                return [line.recv(9) for line in lines]
            finally:
                for line in lines:
                    line.close()

        answers = yield deferToThread(crowd)
        self.assertEqual(answers[-1], b"")
        self.assertTrue(all(answers[:-1]))
