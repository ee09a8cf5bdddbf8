"""Autodiscover answers: what is read out of them, and that nothing but the URLs changes.

The oracle is xml.etree: it reads the document before and after, and the two trees may differ in the
texts of the mapiHttp URLs only.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.policy.autodiscover import (
    LARGEST,
    Home,
    Mailbox,
    home_of,
    mailbox_of,
    rewrite,
    without_mapi_http,
)

OUTER = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
INNER = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
ID = "9f7e0d1c-0001-4880-9ee7-4cd1cdcd8cc5@example.com"
EXTERNAL = "https://mail.example.com/mapi"
INTERNAL = "https://owa.example.com:8443/mapi"


def urls(endpoint: str, host: str = "ex1.corp.test") -> str:
    tail = f"/mapi/{endpoint}/?MailboxId={ID}"
    return (
        f"<InternalUrl>https://{host}{tail}</InternalUrl>\r\n"
        f"        <ExternalUrl>https://{host}:444{tail}</ExternalUrl>"
    )


MAPI = (
    '<Protocol Type="mapiHttp" Version="1">\r\n'
    f"      <MailStore>\r\n        {urls('emsmdb')}\r\n      </MailStore>\r\n"
    f"      <AddressBook>\r\n        {urls('nspi')}\r\n      </AddressBook>\r\n"
    "    </Protocol>"
)
EXCH = f"""<Protocol>
      <Type>EXCH</Type>
      <Server>{ID}</Server>
      <MdbDN>/o=Lab/cn=x</MdbDN>
      <OABUrl>https://ex1.corp.test/oab/</OABUrl>
      <MailStore><InternalUrl>https://ex1.corp.test/mapi/emsmdb/?MailboxId={ID}</InternalUrl></MailStore>
    </Protocol>"""
WEB = f"""<Protocol><Type>WEB</Type><Internal><OWAUrl>https://ex1.corp.test/owa/</OWAUrl>
      <Protocol Type="mapiHttp"><MailStore>{urls("emsmdb")}</MailStore></Protocol></Internal></Protocol>"""


def document(*protocols: str, head: str = '<?xml version="1.0" encoding="utf-8"?>\r\n') -> bytes:
    return (
        f'{head}<Autodiscover xmlns="{OUTER}">\r\n  <Response xmlns="{INNER}">\r\n'
        "    <User>\r\n      <DisplayName>Älice &amp; Co</DisplayName>\r\n"
        "      <LegacyDN>/o=Lab/ou=x/cn=Recipients/cn=alice</LegacyDN>\r\n"
        "      <AutoDiscoverSMTPAddress>alice@example.com</AutoDiscoverSMTPAddress>\r\n    </User>\r\n"
        f"    <Account>\r\n    <AccountType>email</AccountType>\r\n    {'    '.join(protocols)}\r\n"
        "    </Account>\r\n  </Response>\r\n</Autodiscover>\r\n"
    ).encode()


WHOLE = document(MAPI, EXCH, WEB)


def test_all_four_urls_are_published_and_every_other_byte_stays() -> None:
    expected = document(
        MAPI.replace("https://ex1.corp.test/mapi", INTERNAL).replace(
            "https://ex1.corp.test:444/mapi", EXTERNAL
        ),
        EXCH,
        WEB,
    )
    assert rewrite(WHOLE, INTERNAL, EXTERNAL) == expected
    assert rewrite(expected, INTERNAL, EXTERNAL) == expected


def test_a_base_that_is_not_given_leaves_its_urls() -> None:
    assert rewrite(WHOLE, None, None) is WHOLE
    only = rewrite(WHOLE, None, EXTERNAL)
    assert only.count(b"https://ex1.corp.test/mapi") == WHOLE.count(b"https://ex1.corp.test/mapi")
    assert only.count(EXTERNAL.encode()) == 2


def test_a_slash_at_the_end_of_the_base_makes_no_difference() -> None:
    assert rewrite(WHOLE, INTERNAL + "/", EXTERNAL + "/") == rewrite(WHOLE, INTERNAL, EXTERNAL)


@pytest.mark.parametrize(
    "base",
    ["mail.example.com/mapi", "ftp://mail.example.com", "https://m/mapi?x=1", "https://m/<", "https://m/a&b",
     "https://user@m/", "https://m/]]>", "https:///mapi", "https://m/mapi ", "https://m\n/", "https://mäil/"],
)  # fmt: skip
def test_a_base_that_could_break_the_document_is_an_error(base: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        rewrite(WHOLE, None, base)


def test_without_mapi_http_the_element_is_gone_and_nothing_else() -> None:
    assert without_mapi_http(WHOLE) == document("", EXCH, WEB)
    assert without_mapi_http(document(EXCH)) == document(EXCH)


@pytest.mark.parametrize(
    "element",
    [
        '<Protocol Type="mapiHttp"/>',
        "<Protocol Version='1' Type='MAPIHTTP' \r\n />",
        '<Protocol Type="mapiHttp"></Protocol>',
        '<Protocol Note="a > b /> c" Type="mapiHttp"><MailStore/></Protocol >',
        '<Protocol Type="mapi&#72;ttp"><MailStore/></Protocol>',
        f'<o:Protocol xmlns:o="{INNER}" Type="mapiHttp"><o:MailStore/></o:Protocol>',
        '<Protocol Type="mapiHttp"><!-- </Protocol> --><![CDATA[</Protocol>]]><?x </Protocol>?></Protocol>',
    ],
)
def test_however_it_is_written_the_element_is_found(element: str) -> None:
    assert without_mapi_http(document(element, EXCH)) == document("", EXCH)
    assert without_mapi_http(document(EXCH, element)) == document(EXCH, "")


@pytest.mark.parametrize(
    "element",
    [
        '<Protocol xmlns="urn:other" Type="mapiHttp"></Protocol>',
        '<Protocol xmlns:a="urn:a" a:Type="mapiHttp"></Protocol>',
        '<Other><Protocol Type="mapiHttp"></Protocol></Other>',
        "<!-- " + MAPI.replace("--", "") + " -->",
        f"<![CDATA[{MAPI}]]>",
    ],
)
def test_what_only_looks_like_the_element_is_left(element: str) -> None:
    body = document(element)
    assert without_mapi_http(body) == body
    assert rewrite(body, INTERNAL, EXTERNAL) == body


@pytest.mark.parametrize(
    ("written", "after"),
    [
        ("http://a/b/c/emsmdb/?x", f"{EXTERNAL}/emsmdb/?x"),
        ("HTTPS://A.test:1/MAPI/Emsmdb?x", f"{EXTERNAL}/Emsmdb?x"),
        ("https://[::1]:8/mapi/nspi", f"{EXTERNAL}/nspi"),
        ("\r\n  https://a/mapi/nspi/?q=/emsmdb/ \t", f"\r\n  {EXTERNAL}/nspi/?q=/emsmdb/ \t"),
        ("&#32;https://a/mapi/nspi/", f"&#32;{EXTERNAL}/nspi/"),
        ("<!-- x -->https://a/mapi/nspi/?a&amp;b", f"<!-- x -->{EXTERNAL}/nspi/?a&amp;b"),
        ("<![CDATA[https://a/mapi/nspi/?a&b]]>", f"<![CDATA[{EXTERNAL}/nspi/?a&b]]>"),
        ("<![CDATA[ ]]>https://a/mapi/nspi/<![CDATA[?]]>", f"<![CDATA[ ]]>{EXTERNAL}/nspi/<![CDATA[?]]>"),
        ("https://a/mapi/ems<!-- x -->mdb/", f"{EXTERNAL}/ems<!-- x -->mdb/"),
        # Left as they are.
        ("https://a/rpc/rpcproxy.dll", None),
        ("https://a/mapi/emsmdbx/", None),
        ("https://a/?u=https://b/emsmdb/", None),
        ("/mapi/emsmdb/", None),
        ("", None),
        ("https://a/ma<!-- x -->pi/emsmdb/", None),
        ("https://a/ma<![CDATA[pi]]>/emsmdb/", None),
        ("&#104;ttps://a/mapi/emsmdb/", None),
        ("https://a&#x2f;mapi/emsmdb/", None),
        ("https://a/ma<b/>pi/emsmdb/", None),
    ],
)
def test_urls_in_every_spelling(written: str, after: str | None) -> None:
    def with_url(url: str) -> bytes:
        return document(
            f'<Protocol Type="mapiHttp"><MailStore><ExternalUrl>{url}</ExternalUrl></MailStore></Protocol>'
        )

    assert rewrite(with_url(written), INTERNAL, EXTERNAL) == with_url(written if after is None else after)


@pytest.mark.parametrize(
    "head",
    [
        "",
        "\ufeff",
        '<?xml version="1.0"?>',
        '\ufeff<?xml version="1.0" encoding="UTF-8" standalone="yes"?>',
        "<!-- ä -->",
    ],
)
def test_heads_that_are_read(head: str) -> None:
    body = document(MAPI, head=head)
    assert without_mapi_http(body) == document("", head=head)
    assert rewrite(body, None, EXTERNAL).count(b"//mail.example.com/mapi/") == 2
    assert mailbox_of(body) == Mailbox("alice@example.com", "/o=Lab/ou=x/cn=Recipients/cn=alice")


UNREADABLE = {
    "a document type": document(MAPI, head="<!DOCTYPE Autodiscover>"),
    "an entity": document(MAPI, head='<!DOCTYPE Autodiscover [<!ENTITY a "b">]>'),
    "an outer document type": document(MAPI, head='<!DOCTYPE A SYSTEM "http://127.0.0.1:9/x.dtd">'),
    "an unknown reference": document(MAPI, "&nbsp;"),
    "latin-1": document(MAPI, head='<?xml version="1.0" encoding="iso-8859-1"?>'),
    "an encoding of nobody": document(MAPI, head='<?xml version="1.0" encoding="x-nobody"?>'),
    "a lie about UTF-16": document(MAPI, head='<?xml version="1.0" encoding="utf-16"?>'),
    "UTF-16": document(MAPI, head="").decode().encode("utf-16"),
    "UTF-32": document(MAPI, head="").decode().encode("utf-32"),
    "no UTF-8": document(MAPI).replace("Ä".encode(), b"\xc4"),
    "not closed": document(MAPI)[:-10],
    "something after it": document(MAPI) + b"<a/>",
    "too large": document(MAPI) + b" " * LARGEST,
    "too deep": document(MAPI, "<a>" * 40 + "</a>" * 40),
    "compressed": b"\x1f\x8b\x08\x00" + bytes(range(1, 200)),
    "JSON": b'{"Protocol":"AutodiscoverV1","Url":"https://ex1.corp.test/autodiscover.xml"}',
    "nothing": b"",
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_not_certain_is_returned_untouched(case: str) -> None:
    body = UNREADABLE[case]
    assert rewrite(body, INTERNAL, EXTERNAL) is body
    assert without_mapi_http(body) is body
    assert home_of(body) is None
    assert mailbox_of(body) is None


def test_the_largest_document_is_still_read() -> None:
    body = document(MAPI)
    body += b" " * (LARGEST - len(body))
    assert rewrite(body, INTERNAL, EXTERNAL) != body


def test_home_is_the_mailbox_servers_internal_host() -> None:
    assert home_of(WHOLE) == Home("ex1.corp.test", ID, "alice@example.com")
    only_external = document(
        MAPI.replace("InternalUrl", "Other").replace("ex1.corp.test:444", "MAIL.Example.COM:444")
    )
    assert home_of(only_external) == Home("mail.example.com", ID, "alice@example.com")
    address_book = document(
        f'<Protocol Type="mapiHttp"><AddressBook>{urls("nspi", "nspi.test")}</AddressBook></Protocol>'
    )
    assert home_of(address_book) == Home("nspi.test", ID, "alice@example.com")


def test_home_of_an_old_answer_is_its_exch_server() -> None:
    old = document("<Protocol><Type>EXCH</Type><Server>CAS1.corp.test</Server></Protocol>")
    assert home_of(old) == Home("cas1.corp.test", None, "alice@example.com")
    assert home_of(document(EXCH)) is None, "GUID@DOMAIN names a mailbox, not a server"
    assert home_of(document("<Protocol><Type>EXPR</Type><Server>mail.test</Server></Protocol>")) is None


def test_home_without_user_information_in_the_url() -> None:
    odd = document(MAPI.replace("//ex1", "//alice:pw@ex1").replace(ID, ID.replace("@", "%40")))
    assert home_of(odd) == Home("ex1.corp.test", ID, "alice@example.com")


def test_an_answer_that_is_an_error_says_nothing() -> None:
    error = (
        f'<Autodiscover xmlns="{OUTER}"><Response><Error Time="1" Id="2"><ErrorCode>500</ErrorCode>'
        "</Error></Response></Autodiscover>"
    ).encode()
    assert mailbox_of(error) is None
    assert home_of(error) is None
    assert rewrite(error, INTERNAL, EXTERNAL) is error


# Made-up documents, against xml.etree.

_FILL = st.sampled_from(["", " ", "\r\n\t", "<!-- <Protocol Type='mapiHttp'> -->", "<?pi a > b?>", "<!---->"])
_ENDPOINTS = st.sampled_from(["/emsmdb/?MailboxId=a@b", "/nspi/", "/emsmdb", "/Nspi/?a&amp;b=%3C", "/other/"])
_PLACES = st.sampled_from(
    ["https://a.test/mapi", "http://b:81/x/y", "https://ä.test", "https://c/ma&#112;i", "rel"]
)


@st.composite
def _url(draw: st.DrawFn) -> str:
    url = draw(_PLACES) + draw(_ENDPOINTS)
    if "&" not in url and draw(st.booleans()):
        cut = draw(st.integers(0, len(url)))
        url = url[:cut] + draw(st.sampled_from([f"<![CDATA[{url[cut:]}]]>", "<!-- c -->" + url[cut:]]))
    return draw(_FILL) + url + draw(st.sampled_from(["", " ", "\n"]))


@st.composite
def _element(draw: st.DrawFn, prefix: str, name: str, attributes: list[str], content: str) -> str:
    quoted = [
        text if draw(st.booleans()) else text.replace('"', "'") for text in draw(st.permutations(attributes))
    ]
    begin = " ".join([prefix + name, *quoted]) + draw(st.sampled_from(["", " ", "\r\n"]))
    if not content and draw(st.booleans()):
        return f"<{begin}/>"
    return f"<{begin}>{content}</{prefix}{name}{draw(st.sampled_from(['', ' ']))}>"


@st.composite
def _protocol(draw: st.DrawFn, prefix: str) -> str:
    content = draw(_FILL)
    for store in draw(
        st.lists(st.sampled_from(["MailStore", "AddressBook", "Other", "Protocol"]), max_size=3)
    ):
        inside = draw(_FILL)
        for url in draw(st.lists(st.sampled_from(["InternalUrl", "ExternalUrl", "Url"]), max_size=3)):
            inside += draw(_element(prefix, url, [], draw(_url()))) + draw(_FILL)
        content += draw(_element(prefix, store, [], inside)) + draw(_FILL)
    kinds = st.lists(st.sampled_from(['Type="mapiHttp"', 'Version="1"', 'x="a > b"']), unique=True)
    return draw(_element(prefix, "Protocol", draw(kinds), content))


@st.composite
def _documents(draw: st.DrawFn) -> bytes:
    prefix, declared = draw(st.sampled_from([("", f'xmlns="{INNER}"'), ("q:", f'xmlns:q="{INNER}"')]))
    account = "".join(draw(_FILL) + each for each in draw(st.lists(_protocol(prefix), max_size=4)))
    response = draw(_element(prefix, "Response", [declared], draw(_element(prefix, "Account", [], account))))
    head = draw(st.sampled_from(["", "\ufeff", '<?xml version="1.0" encoding="utf-8"?>']))
    return f'{head}<Autodiscover xmlns="{OUTER}">{draw(_FILL)}{response}</Autodiscover>'.encode()


def _mapi_protocols(tree: ET.Element) -> list[tuple[ET.Element, ET.Element]]:
    accounts = tree.findall(f"{{{INNER}}}Response/{{{INNER}}}Account")
    return [
        (account, each)
        for account in accounts
        for each in account.findall(f"{{{INNER}}}Protocol")
        if each.get("Type") == "mapiHttp"
    ]


def _shape(tree: ET.Element) -> list[object]:
    text = (tree.text or "", tree.tail or "")
    return [tree.tag, tree.attrib, *text, [_shape(child) for child in tree]]


@given(_documents())
def test_the_tree_differs_in_the_urls_of_mapi_http_alone(body: bytes) -> None:
    changed = rewrite(body, INTERNAL, EXTERNAL)
    before, after = ET.fromstring(body), ET.fromstring(changed)
    pairs = zip(_mapi_protocols(before), _mapi_protocols(after), strict=True)
    for (_, old), (_, new) in pairs:
        for store in ("MailStore", "AddressBook"):
            for name, base in (("InternalUrl", INTERNAL), ("ExternalUrl", EXTERNAL)):
                path = f"{{{INNER}}}{store}/{{{INNER}}}{name}"
                for one, other in zip(old.findall(path), new.findall(path), strict=True):
                    was, now = (one.text or "").strip(), (other.text or "").strip()
                    assert (
                        now == was
                        or now == base + was[was.lower().rindex("/emsmdb" if "/emsmdb" in was else "/nspi") :]
                    )
                    other.text = one.text
    assert _shape(after) == _shape(before)


@given(_documents())
def test_removed_are_exactly_the_elements_that_the_oracle_finds(body: bytes) -> None:
    before, after = ET.fromstring(body), ET.fromstring(without_mapi_http(body))
    for account, protocol in _mapi_protocols(before):
        at = list(account).index(protocol)
        if at:
            account[at - 1].tail = (account[at - 1].tail or "") + (protocol.tail or "")
        else:
            account.text = (account.text or "") + (protocol.tail or "")
        account.remove(protocol)
    assert _shape(after) == _shape(before)


@given(_documents(), st.data())
def test_damaged_documents_never_raise_and_never_come_out_half_done(body: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(body)))
    damaged = body[:at] + data.draw(st.binary(max_size=3)) + body[at + data.draw(st.integers(0, 3)) :]
    home_of(damaged)
    mailbox_of(damaged)
    for changed in (rewrite(damaged, INTERNAL, EXTERNAL), without_mapi_http(damaged)):
        if changed != damaged:
            ET.fromstring(damaged)
            ET.fromstring(changed)


@given(st.binary(max_size=200))
def test_noise_is_returned_untouched(noise: bytes) -> None:
    assert rewrite(noise, INTERNAL, EXTERNAL) is noise
    assert without_mapi_http(noise) is noise
