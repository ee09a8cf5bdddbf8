"""Sessions outlive connections, servers and proxies: real processes, real TLS, cuts at every phase.

The rules are the tables of the reference, section 6: what was not complete goes on unseen, or is told to
have failed; what may have run is a broken connection; and nothing executes twice, whoever loses what.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from support.processes import Answer, Field, Outlook, field

KINDS = ("exchange", "grommunio")
#: Long enough for every phase to be met by hand.
SLOW = ("--execute-delay", "0.4", "--pending-period", "0.1", "--wait-length", "1.2")
#: More than all buffers on the way hold together.
LARGE = ("--answer-size", "20000000")
QUICK = ("--pending-period", "0.12", "--wait-length", "3")


@pytest.fixture(scope="module", params=KINDS)
def slow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Servers that take their time, and answer at length."""
    with field(request.param, tmp_path_factory.mktemp("slow"), 80, *SLOW) as made:
        yield made


@pytest.fixture(scope="module", params=KINDS)
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Servers that answer at length."""
    with field(request.param, tmp_path_factory.mktemp("large"), 8, *LARGE) as made:
        yield made


@pytest.fixture
def outlook(slow: Field) -> Iterator[Outlook]:
    """A session of its own, with nothing wrong yet."""
    yield from session(slow)


@pytest.fixture
def reader(large: Field) -> Iterator[Outlook]:
    """One that reads long answers."""
    yield from session(large)


def session(made: Field) -> Iterator[Outlook]:
    made.revive()
    client = made.outlook(made.users.pop())
    assert client.call("Connect").code == 0
    yield client
    client.drop()
    assert max(made.executions().values(), default=0) <= 1, "something was executed twice"


def begin(client: Outlook, request_type: str, phase: str) -> tuple[bytes, str]:
    """Bring a request to *phase*; returns what of it is still to be sent, and its id.

    *idle* is a connection that has been used, *before* a new one.
    """
    if phase == "before":
        client.dial()
    head, body, request_id = client.request(request_type)
    assert client.line is not None
    send = client.line.sendall
    if phase in ("idle", "before"):
        return head + body, request_id
    if phase == "head":
        send(head[: len(head) // 2])
        return head[len(head) // 2 :] + body, request_id
    if phase == "body":
        send(head + body[:3])
        return body[3:], request_id
    send(head + body)
    if phase == "sent":
        time.sleep(0.1)
    elif phase in ("PROCESSING", "PENDING"):
        client.read_to(phase.encode())
    elif phase == "before DONE":
        # The last of the PENDINGs that fit into its time.
        for _ in range(3):
            client.read_to(b"PENDING")
    elif phase == "mid-binary":
        client.read_to(b"\r\n\r\n")
        client.came += client.line.recv(5000)
    return b"", request_id


INCOMPLETE = ("idle", "before", "head", "body")
COMPLETE = ("sent", "PROCESSING", "PENDING", "before DONE")


def skip_what_is_not_sent(kind: str, phase: str) -> None:
    if kind == "grommunio" and phase in ("PROCESSING", "PENDING", "before DONE"):
        pytest.skip("grommunio says nothing before an Execute is done")


# The client's connection.


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("phase", INCOMPLETE)
def test_a_client_cut_off_before_its_request_was_whole_sends_it_again_as_it_is(
    outlook: Outlook, phase: str, reset: bool
) -> None:
    home = outlook.call("PING").backend
    _, request_id = begin(outlook, "Execute", phase)
    outlook.drop(reset)
    outlook.dial()
    outlook.number -= 1
    again = outlook.call("Execute")

    assert (again.status, again.code, again.backend) == (200, 0, home)
    assert outlook.field.executions()[request_id] == 1


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("phase", COMPLETE)
def test_a_client_cut_off_after_that_connects_with_its_old_cookies(
    outlook: Outlook, phase: str, reset: bool
) -> None:
    skip_what_is_not_sent(outlook.field.kind, phase)
    home = outlook.call("PING").backend
    _, request_id = begin(outlook, "Execute", phase)
    outlook.drop(reset)
    connected = outlook.reconnect()
    after = outlook.call("Execute")

    assert (connected.code, connected.backend) == (0, home)
    assert (after.code, after.backend) == (0, home)
    assert outlook.field.executions()[request_id] <= 1


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_cut_off_in_the_middle_of_the_binary_connects_with_its_old_cookies(
    reader: Outlook, reset: bool
) -> None:
    test_a_client_cut_off_after_that_connects_with_its_old_cookies(reader, "mid-binary", reset)


@pytest.mark.parametrize("phase", [*INCOMPLETE, *COMPLETE])
def test_a_wait_cut_off_leaves_its_session_alone_and_the_next_wait_is_accepted(
    outlook: Outlook, phase: str
) -> None:
    """M14: an old wait that stayed open at the server would have the next one rejected."""
    if phase == "sent" and outlook.field.kind == "exchange":
        pytest.skip("the same as PROCESSING: it comes at once")
    home = outlook.call("PING").backend
    begin(outlook, "NotificationWait", phase)
    outlook.drop(reset=True)
    ping = outlook.call("PING")
    time.sleep(0.2)
    head, body, _ = outlook.request("NotificationWait")
    outlook.dial().sendall(head + body)

    assert (ping.code, ping.backend) == (0, home)
    # A rejected one is answered at once, without a PENDING.
    for _ in range(2):
        outlook.read_to(b"PENDING")
    if phase == "PENDING":
        waited = outlook.read()
        assert (waited.code, waited.whole) == (0, True)


# A backend is killed.


def recover(client: Outlook, home: str | None) -> None:
    """What Outlook does next, and must succeed: Connect with the old cookies, and go on."""
    connected = client.reconnect()
    assert connected.code == 0, connected.raw[:500]
    assert connected.backend != home
    assert client.call("Execute").code == 0


def is_told_gone(answer: Answer, client: Outlook, request_id: str, codes: tuple[int, ...] = (10,)) -> None:
    """X-ResponseCode 10, by a server or by the proxy; after 503 as long as the proxy cannot know."""
    until = time.monotonic() + 5
    while answer.status == 503 and time.monotonic() < until:
        assert answer.get(b"retry-after")
        assert answer.code is None
        time.sleep(0.05)
        client.dial()
        client.number -= 1
        answer = client.call("Execute")
    assert answer.status == 200
    assert answer.code in codes
    assert answer.get(b"content-type") == b"text/html"
    if client.field.kind == "grommunio" and answer.code == 10:
        # The proxy's own: grommunio has no such number, and its refusals repeat nothing.
        assert answer.backend is None
        assert answer.get(b"x-requestid") == request_id.encode()
        assert answer.get(b"x-clientinfo") == client.guid.encode()
        assert answer.get(b"x-requesttype") == b"Execute"


def is_visibly_broken(answer: Answer) -> None:
    """Nothing, or less than its own head announces."""
    assert not answer.whole
    assert answer.code in (None, 0)
    assert answer.framed or not answer.raw


@pytest.mark.parametrize("phase", INCOMPLETE)
def test_a_backend_killed_before_it_had_the_whole_request_does_not_cost_the_connection(
    outlook: Outlook, phase: str
) -> None:
    home = outlook.call("PING").backend
    rest, request_id = begin(outlook, "Execute", phase)
    time.sleep(0.1)
    outlook.field.labs[str(home)].kill()
    assert outlook.line is not None
    outlook.line.sendall(rest)
    answer = outlook.read()

    assert answer.whole
    is_told_gone(answer, outlook, request_id)
    assert outlook.field.executions()[request_id] == 0
    recover(outlook, home)


@pytest.mark.parametrize("phase", COMPLETE)
def test_a_backend_killed_after_that_is_a_connection_that_is_visibly_broken(
    outlook: Outlook, phase: str
) -> None:
    skip_what_is_not_sent(outlook.field.kind, phase)
    home = outlook.call("PING").backend
    _, request_id = begin(outlook, "Execute", phase)
    outlook.field.labs[str(home)].kill()
    is_visibly_broken(outlook.read())
    assert outlook.field.executions()[request_id] == 1
    recover(outlook, home)


def test_a_backend_killed_in_the_middle_of_the_binary_leaves_it_visibly_short(reader: Outlook) -> None:
    test_a_backend_killed_after_that_is_a_connection_that_is_visibly_broken(reader, "mid-binary")


def test_a_backend_killed_under_a_wait_breaks_it_and_the_session_goes_on_elsewhere(outlook: Outlook) -> None:
    home = outlook.call("PING").backend
    begin(outlook, "NotificationWait", "PENDING")
    outlook.field.labs[str(home)].kill()

    is_visibly_broken(outlook.read())
    recover(outlook, home)


def take_up_again(client: Outlook) -> None:
    """As :func:`recover`, with a server that may be the old one, and has forgotten everything."""
    codes = []
    for _ in range(3):
        # grommunio that was not down for us refuses stale cookies once; then they are known as stale.
        codes.append(client.reconnect().code)
        if codes[-1] == 0:
            break
    assert codes[-1] == 0, codes
    assert client.call("Execute").code == 0


@pytest.mark.parametrize("phase", INCOMPLETE)
def test_a_backend_restarted_before_it_had_the_whole_request_has_lost_its_sessions_and_says_so(
    outlook: Outlook, phase: str
) -> None:
    home = str(outlook.call("PING").backend)
    rest, request_id = begin(outlook, "Execute", phase)
    time.sleep(0.1)
    outlook.field.labs[home].restart()
    assert outlook.line is not None
    outlook.line.sendall(rest)
    # grommunio itself says 2 (its own number for a session that it does not know).
    is_told_gone(outlook.read(), outlook, request_id, (10,) if outlook.field.kind == "exchange" else (2, 10))

    assert outlook.field.executions()[request_id] == 0
    take_up_again(outlook)


@pytest.mark.parametrize("phase", COMPLETE)
def test_a_backend_restarted_after_that_is_a_connection_that_is_visibly_broken(
    outlook: Outlook, phase: str
) -> None:
    skip_what_is_not_sent(outlook.field.kind, phase)
    home = str(outlook.call("PING").backend)
    _, request_id = begin(outlook, "Execute", phase)
    outlook.field.labs[home].restart()

    is_visibly_broken(outlook.read())
    assert outlook.field.executions()[request_id] == 1
    take_up_again(outlook)


def test_a_backend_that_stands_still_is_taken_out_and_comes_back(outlook: Outlook) -> None:
    """It accepts connections (the kernel does) and says nothing: only a probe's patience tells."""
    made, home = outlook.field, str(outlook.call("PING").backend)
    made.labs[home].freeze()
    try:
        until = time.monotonic() + 15
        while (row := server(made, home))["up"]:
            assert time.monotonic() < until, row
            time.sleep(0.1)
    finally:
        made.labs[home].thaw()
    assert "took longer than 1 s" in str(row["why"])
    recovered = outlook.reconnect()
    assert recovered.code == 0


def server(made: Field, name: str) -> dict[str, object]:
    rows: list[dict[str, object]] = made.ask("servers")["servers"]  # type: ignore[assignment]
    return next(row for row in rows if row["name"] == name)


# The proxy itself.


@pytest.fixture(scope="module", params=KINDS)
def quick(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with field(request.param, tmp_path_factory.mktemp("quick"), 44, *QUICK) as made:
        yield made


def off_their_place(made: Field, count: int) -> list[Outlook]:
    """Sessions on servers to which their mailboxes do not belong: only who knows them finds them."""
    clients = []
    for _ in range(count):
        client = made.outlook(made.users.pop())
        home = str(client.call("Connect").backend)
        assert client.call("Disconnect").code == 0
        made.ask("drain", server=home)
        client.cookies.clear()
        connected = client.call("Connect")
        assert (connected.code, connected.backend == home) == (0, False)
        made.ask("ready", server=home)
        clients.append(client)
    return clients


def test_a_client_that_moves_to_another_proxy_stays_on_its_backend(quick: Field) -> None:
    clients = off_their_place(quick, 20)
    quick.proxy()
    for client in clients:
        home = client.call("Execute").backend
        client.drop()
        client.proxy = quick.proxies[-1]
        moved = client.call("Execute")
        assert (moved.code, moved.backend) == (0, home)
    rungs = quick.ask("status", len(quick.proxies) - 1)["pools"][0]["rungs"]  # type: ignore[index]
    assert rungs["route-cookie"] == 20


def test_a_proxy_that_was_restarted_finds_every_session_where_it_is(quick: Field) -> None:
    clients = off_their_place(quick, 20)
    homes = [client.call("Execute").backend for client in clients]
    quick.proxies[0].stop()
    restarted = quick.proxies[0] = quick.proxy()
    quick.proxies.pop()
    for client, home in zip(clients, homes, strict=True):
        client.drop()
        client.proxy = restarted
        after = client.call("Execute")
        assert (after.code, after.backend) == (0, home)


def test_the_backends_never_see_the_route_cookie(quick: Field) -> None:
    client = quick.outlook(quick.users.pop())
    client.call("Connect")

    assert b"MapiProxyRoute" in client.cookies
    assert client.call("Execute").code == 0
    for file in quick.folder.rglob("*.LOG"):
        assert client.cookies[b"MapiProxyRoute"] not in file.read_bytes()


def test_a_proxy_that_is_told_to_stop_finishes_calls_and_cuts_waits(slow: Field) -> None:
    slow.revive()
    stopping = slow.proxy()
    try:
        caller, waiter = (Outlook(slow, slow.users.pop(), stopping) for _ in range(2))
        for client in (caller, waiter):
            assert client.call("Connect").code == 0
        begin(waiter, "NotificationWait", "PENDING" if slow.kind == "exchange" else "PROCESSING")
        _, request_id = begin(caller, "Execute", "sent")
        began = time.monotonic()
        stopped = threading.Thread(target=stopping.stop)
        stopped.start()
        answer, cut = caller.read(), waiter.read()
        stopped.join(20)
        assert (answer.whole, answer.code) == (True, 0)
        assert not cut.whole
        assert time.monotonic() - began < 5
        assert slow.executions()[request_id] == 1
        # The sessions live: only this proxy is gone.
        caller.proxy = slow.proxies[0]
        caller.drop()
        assert caller.call("PING").code == 0
    finally:
        slow.proxies.remove(stopping)
