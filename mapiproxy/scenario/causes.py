"""The causes that scenarios are about, by name: what users of such products suffer from.

A scenario names them, ``mapiproxy lab list`` shows them.
"""

from __future__ import annotations

CAUSES = {
    "hibernation": "a laptop sleeps, and its sessions outlive it",
    "network-switch": "from wired to wireless to cellular, with another address each time",
    "long-lived-context": "a context that outlives its connections for as long as it was promised",
    "pause-resume": "an explicit pause, and going on where it was left",
    "idle-firewall": "a device that forgets connections on which nothing happens",
    "half-open": "one direction of a connection dies without a word",
    "reset": "connections are reset in the middle of something",
    "lost-answer": "a request arrives and its answer does not",
    "buffering": "a device keeps PROCESSING and PENDING back",
    "slicing": "bytes arrive in other pieces than they were sent",
    "waf": "a device removes, renames or forbids what Outlook needs",
    "nat": "the client's address changes in the middle of a session",
    "vpn": "a tunnel comes and goes",
    "slow-link": "little bandwidth, long ways",
    "captive-portal": "somebody else answers in the place of the server",
    "tls-interception": "a device re-signs TLS with its own authority",
    "auth-loop": "passwords are asked for again and again",
    "identity": "somebody lands in another person's session",
    "backend-crash": "a server is gone",
    "backend-hang": "a server accepts and does not answer",
    "backend-flap": "a server comes and goes",
    "drain": "a server is taken out for maintenance",
    "wrong-node": "a request comes to a server that does not know its session",
    "source-affinity": "a session that hangs on the client's address",
    "expiry": "a context that was left alone for too long",
    "retry-storm": "everybody comes back at once, and again and again",
    "duplicates": "something is executed twice",
    "large-mail": "a message that is larger than somebody on the way likes",
    "upgrade": "the proxy itself is restarted",
    "reload": "the configuration is changed while it runs",
}
