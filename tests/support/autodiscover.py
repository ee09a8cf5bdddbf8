"""An answer of Autodiscover, and what it is to be published under."""

from __future__ import annotations

from mapiproxy.policy.published import Published

ANSWER = b"""<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
<Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
<User><AutoDiscoverSMTPAddress>alice@example.com</AutoDiscoverSMTPAddress></User>
<Account><Protocol Type="mapiHttp" Version="1"><MailStore>
<InternalUrl>https://exch2.corp.local/mapi/emsmdb/?MailboxId=ab@example.com</InternalUrl>
<ExternalUrl>https://exch2.corp.local/mapi/emsmdb/?MailboxId=ab@example.com</ExternalUrl></MailStore></Protocol>
<Protocol Type="WEB"/></Account></Response></Autodiscover>"""
URLS = Published("https://in.example.com/mapi", "https://mail.example.com/mapi")
