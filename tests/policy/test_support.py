"""The support matrix of the reference, row by row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.policy.support import ANYWHERE, MAPI_HTTP, RPC, classify_client, classify_server, common

OFFICE = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.4266; Pro)"


@pytest.mark.parametrize(
    ("application", "agent", "name", "within"),
    [
        ("Outlook/15.0.4815.1002", None, "Outlook 2013 SP1 or later (15.0.4815.1002)", True),
        ("Outlook/15.0.4569.1506", None, "Outlook 2013 SP1 or later (15.0.4569.1506)", True),
        ("Outlook/15.0.4569.1503", None, "Outlook 2013 RTM (15.0.4569.1503)", False),
        (None, OFFICE, "Outlook 2013 SP1 or later (16.0.4266)", True),
        ("Outlook/14.0.7147.5001", None, "Outlook 2010 SP2 (14.0.7147.5001)", True),
        ("Outlook/14.0.6023.1000", None, "Outlook 2010 before SP2 (14.0.6023.1000)", False),
        ("Outlook/12.0.6600", None, "Outlook 2007 or earlier (12.0.6600)", False),
        (None, "MSRPC", "an Outlook Anywhere client", None),
        (None, "curl/8", "unknown", None),
        (None, None, "unknown", None),
    ],
)
def test_clients(application, agent, name, within):
    found = classify_client(application, agent)
    assert (found.name, found.within) == (name, within)


@pytest.mark.parametrize(
    ("version", "name", "within"),
    [
        ("Exchange/15.02.2562.045", "Exchange SE (15.2.2562.45)", True),
        ("15.2.1118.7", "Exchange 2019 (15.2.1118.7)", True),
        ("15.01.2507.035", "Exchange 2016 (15.1.2507.35)", True),
        ("15.00.0847.032", "Exchange 2013 SP1 or later (15.0.847.32)", True),
        ("15.00.0847.031", "Exchange 2013 RTM (15.0.847.31)", False),
        ("14.3.123", "Exchange 2010 SP3 (14.3.123)", False),
        ("8.3.83", "Exchange 2007 SP3 (8.3.83)", False),
        ("gromox 2.0", "unknown", None),
    ],
)
def test_servers(version, name, within):
    found = classify_server(version)
    assert (found.name, found.within) == (name, within)


@pytest.mark.parametrize(
    ("client", "server", "protocol"),
    [
        ("15.0.4569.1506", "15.0.847.32", MAPI_HTTP),
        ("14.0.7015.1000", "15.0.847.32", MAPI_HTTP),
        ("15.0.4420.1017", "15.0.847.32", ANYWHERE),
        ("16.0.4266", "15.0.516.32", ANYWHERE),
        ("14.0.7015.1000", "14.3.123", ANYWHERE),
        ("12.0.6600", "14.3.123", ANYWHERE),
        ("12.0.6600", "8.2.1", RPC),
        ("16.0.4266", "8.2.1", None),
    ],
)
def test_what_two_of_them_speak(client, server, protocol):
    assert common(classify_client(f"Outlook/{client}", None), classify_server(server)) == protocol


def test_prerequisites_are_told():
    assert classify_client("Outlook/14.0.7015.1000", None).advice == "needs KB2956191, KB2965295"
    assert "COMPLUS_DisableRetStructPinning=1" in classify_server("15.0.847.32").advice
    assert "cannot speak MAPI/HTTP: Outlook Anywhere" in classify_server("15.0.516.32").advice


@given(st.none() | st.text(), st.none() | st.text())
def test_whatever_clients_and_servers_say_is_no_error(one, other):
    assert classify_client(one, other).name
    assert classify_client(f"Outlook/{one}", other).name
    assert classify_server(one).name
