"""What the lab's servers say when Outlook asks for a mailbox by plain XML Autodiscover.

MS-OXDSCLI and reference mapi-http-protocol 10.1. The exchange kind offers MAPI over HTTP only to a
client that sends X-MapiHttpCapability, and leaves EXCH and EXPR out when it does (2019). The
grommunio kind does not look at the header and offers both. No sockets, no clocks.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Set
from xml.sax.saxutils import escape

from attrs import define, field

from mapiproxy.lab.requests import LabRequest
from mapiproxy.lab.users import LabUser, Users

OUTER = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
INNER = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\r\n'
_NUMBER = re.compile(rb"[0-9]{1,4}\Z")


@define
class Publishing:
    """What a server knows of its own URLs and of who may use what.

    :ivar internal: base of the internal URLs; a host that only a home server has.
    :ivar external: base of the external ones; ``None``: the name by which the client asked.
    :ivar without_mapi_http: logins in lower case, as ``Set-CASMailbox -MapiHttpEnabled $false``.
    """

    internal: str
    external: str | None = None
    without_mapi_http: Set[str] = field(factory=frozenset)


def autodiscover(kind: str, publishing: Publishing, users: Users, request: LabRequest) -> bytes:
    """The XML that answers this request; an error is XML as well."""
    address = _asked_for(request.body) if request.method == b"POST" else None
    if address is None:
        return _error(600, "Invalid Request")
    owner = users.find_login(address)
    if owner is None:
        return _error(500, "The e-mail address cannot be found.")
    capability = request.headers.get(b"x-mapihttpcapability", b"").strip()
    offered = _NUMBER.match(capability) is not None and int(capability) >= 1
    modern = owner.login.lower() not in publishing.without_mapi_http
    modern = modern and (offered or kind == "grommunio")
    host = (request.text(b"host") or "localhost").lower()
    external = publishing.external or f"https://{host}/mapi"
    blocks = ""
    if not modern or kind == "grommunio":
        blocks += _anywhere(owner, publishing.internal, external)
    if modern:
        blocks += _mapi_http(owner, publishing.internal, external)
    return _answer(owner, blocks)


def autodiscover_request(address: str) -> bytes:
    """What Outlook posts."""
    return (
        f'{_DECLARATION}<Autodiscover xmlns="{REQUEST}">\r\n  <Request>\r\n'
        f"    <EMailAddress>{escape(address)}</EMailAddress>\r\n"
        f"    <AcceptableResponseSchema>{INNER}</AcceptableResponseSchema>\r\n"
        "  </Request>\r\n</Autodiscover>\r\n"
    ).encode()


def _asked_for(body: bytes) -> str | None:
    """The address, or the legacy DN, of the mailbox that is asked for."""
    try:
        tree = ET.fromstring(body)
    except (ET.ParseError, ValueError, LookupError):
        return None
    schema = tree.findtext(f"{{{REQUEST}}}Request/{{{REQUEST}}}AcceptableResponseSchema", "")
    address = tree.findtext(f"{{{REQUEST}}}Request/{{{REQUEST}}}EMailAddress", "").strip()
    return address if address and schema.strip() == INNER else None


def _answer(owner: LabUser, blocks: str) -> bytes:
    return (
        f'{_DECLARATION}<Autodiscover xmlns="{OUTER}">\r\n  <Response xmlns="{INNER}">\r\n'
        f"    <User>\r\n      <DisplayName>{escape(owner.display_name)}</DisplayName>\r\n"
        f"      <LegacyDN>{escape(owner.dn)}</LegacyDN>\r\n"
        f"      <AutoDiscoverSMTPAddress>{escape(owner.login)}</AutoDiscoverSMTPAddress>\r\n"
        f"      <DeploymentId>{owner.guid}</DeploymentId>\r\n    </User>\r\n"
        "    <Account>\r\n      <AccountType>email</AccountType>\r\n"
        f"      <Action>settings</Action>\r\n      <MicrosoftOnline>False</MicrosoftOnline>\r\n{blocks}"
        "    </Account>\r\n  </Response>\r\n</Autodiscover>"
    ).encode()


def _mapi_http(owner: LabUser, internal: str, external: str) -> str:
    stores = ""
    for store, endpoint in (("MailStore", "emsmdb"), ("AddressBook", "nspi")):
        tail = escape(f"/{endpoint}/?MailboxId={owner.mailbox_id}")
        stores += (
            f"        <{store}>\r\n          <InternalUrl>{escape(internal)}{tail}</InternalUrl>\r\n"
            f"          <ExternalUrl>{escape(external)}{tail}</ExternalUrl>\r\n        </{store}>\r\n"
        )
    return f'      <Protocol Type="mapiHttp" Version="1">\r\n{stores}      </Protocol>\r\n'


def _anywhere(owner: LabUser, internal: str, external: str) -> str:
    """EXCH names the mailbox's GUID as its server, EXPR the host to reach by RPC over HTTP."""
    inside, outside = (base.split("//")[1].split("/")[0] for base in (internal, external))
    return (
        f"      <Protocol>\r\n        <Type>EXCH</Type>\r\n        <Server>{owner.mailbox_id}</Server>\r\n"
        f"        <ServerDN>{escape(owner.dn.split('/cn=')[0])}/cn=Configuration/cn=Servers/cn="
        f"{owner.mailbox_id}</ServerDN>\r\n        <ServerVersion>73C18A02</ServerVersion>\r\n"
        f"        <EwsUrl>https://{inside}/EWS/Exchange.asmx</EwsUrl>\r\n"
        f"        <OABUrl>https://{inside}/OAB/</OABUrl>\r\n      </Protocol>\r\n"
        f"      <Protocol>\r\n        <Type>EXPR</Type>\r\n        <Server>{outside}</Server>\r\n"
        "        <SSL>On</SSL>\r\n        <AuthPackage>Basic</AuthPackage>\r\n"
        f"        <EwsUrl>https://{outside}/EWS/Exchange.asmx</EwsUrl>\r\n      </Protocol>\r\n"
    )


def _error(code: int, text: str) -> bytes:
    return (
        f'{_DECLARATION}<Autodiscover xmlns="{OUTER}">\r\n  <Response>\r\n'
        f'    <Error Time="00:00:00.0000000" Id="1">\r\n      <ErrorCode>{code}</ErrorCode>\r\n'
        f"      <Message>{escape(text)}</Message>\r\n      <DebugData />\r\n    </Error>\r\n"
        "  </Response>\r\n</Autodiscover>"
    ).encode()
