"""What the client reads off answers, real ones among them, and how it says what is wrong."""

from __future__ import annotations

from pathlib import Path

from support.lab import ALICE
from support.lab_sockets import ClientCase
from twisted.internet import reactor
from twisted.trial.unittest import SkipTest

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.errors import (
    ApplicationError,
    BadAnswer,
    CallRefused,
    DialFailed,
    HttpRefused,
    Unauthorized,
)
from mapiproxy.lab.faults import (
    AnswerRaw,
    CloseDelimited,
    FailLate,
)
from mapiproxy.lab.users import LabUser

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings" / "grommunio-basic"


class ReadingTests(ClientCase):
    async def test_recorded_answers_of_a_real_server(self) -> None:
        if not RECORDINGS.is_dir():
            raise SkipTest("the recordings are not beside this checkout")
        client = self.start("grommunio")

        def recorded(number: str) -> None:
            (file,) = RECORDINGS.glob(f"{number}-*.resp.bin")
            self.next_meets(AnswerRaw(file.read_bytes()))

        recorded("01")
        (await client.connect()).check()
        recorded("02")
        (await client.logon()).check()
        inbox = bytes.fromhex("010000000000000d")
        self.assertEqual(client.sessions["emsmdb"].logon, rops.Logon(0, inbox))
        recorded("05")
        wait = (await client.notification_wait()).check()
        self.assertEqual((wait.event_pending, wait.pulses), (True, 0))
        recorded("08")
        (await client.disconnect()).check()
        recorded("09")
        gone = await client.call("Execute", recover=False)
        self.assertEqual((gone.code, gone.connection), (2, 1))

    async def test_a_close_delimited_answer(self) -> None:
        client = self.start()
        await client.connect()
        self.next_meets(CloseDelimited())
        step = await client.execute()
        self.assertEqual((step.check().error, step.connection), (0, 1))
        self.assertEqual((await client.execute()).connection, 2)

    async def test_errors_are_typed_by_layer(self) -> None:
        client = self.start()
        await client.connect()
        self.next_meets(FailLate(17))
        step = await client.execute()
        self.assertEqual((step.code, step.late_code, step.final_code), (0, 17, 17))
        with self.assertRaises(CallRefused) as caught:
            step.check()
        self.assertEqual(caught.exception.code, 17)
        self.next_meets(AnswerRaw(b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"))
        with self.assertRaises(HttpRefused):
            (await client.execute()).check()
        self.next_meets(AnswerRaw(b"HTTP/1.1 2OO OK\r\n\r\n"))
        with self.assertRaises(BadAnswer):
            await client.execute()
        rejected = await client.call("ResolveNames", bodies.query_rows_request(), endpoint="nspi")
        with self.assertRaises(ApplicationError):
            rejected.check()

    async def test_a_wrong_password_and_a_closed_port(self) -> None:
        self.start()
        client = self.client_for(user=LabUser(ALICE.login, "guess"))
        with self.assertRaises(Unauthorized):
            (await client.connect()).check()
        await self.server.stop()
        with self.assertRaises(DialFailed):
            await self.client_for().connect()

    async def test_nothing_printed_shows_a_cookie_or_a_password(self) -> None:
        client = self.start()
        await client.connect()
        cookies = client.jar.header(b"/mapi/emsmdb/", reactor.seconds())
        assert cookies is not None
        secret = cookies.split(b"MapiContext=")[1].partition(b";")[0].decode()
        for shown in (repr(self.steps), repr(client.jar), repr(client.sessions), repr(ALICE)):
            self.assertNotIn(secret, shown)
            self.assertNotIn(ALICE.password, shown)
