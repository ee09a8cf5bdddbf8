"""Tells ``twistd`` that there is a service called ``mapiproxy``, by name only.

Twisted imports this file whenever anything looks for plugins, so it must import nothing of ours.
"""

from twisted.application.service import ServiceMaker

mapiproxy = ServiceMaker(
    "mapiproxy",
    "mapiproxy.tap",
    "A reverse proxy that understands MAPI over HTTP",
    "mapiproxy",
)
