"""Names in the virtual network."""

from __future__ import annotations

import pytest
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.error import DNSLookupError
from twisted.internet.protocol import Factory, Protocol

from mapiproxy.lab.virtual import VirtualReactor


def test_a_name_in_the_table_leads_to_its_address() -> None:
    reactor = VirtualReactor()
    reactor.names["mail.lab.test"] = "10.0.0.7"
    reactor.listenTCP(443, Factory.forProtocol(Protocol), interface="10.0.0.7")
    made = reactor.run(connectProtocol(HostnameEndpoint(reactor, "mail.lab.test", 443), Protocol()))
    assert made.transport.getPeer().host == "10.0.0.7"  # type: ignore[union-attr]


def test_another_name_is_not_found() -> None:
    reactor = VirtualReactor()
    with pytest.raises(DNSLookupError):
        reactor.run(connectProtocol(HostnameEndpoint(reactor, "nowhere.test", 443), Protocol()))
