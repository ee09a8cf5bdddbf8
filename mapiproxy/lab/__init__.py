"""Two small but honest MAPI/HTTP servers and an Outlook-like client, for tests, lab and benchmarks.

Pure from the bottom up: bodies, rops, cookies, contexts, streaming, the two kinds (exchange,
grommunio) and backend (a request in, an answer out, the time given). server, delivery, line and
client bring Twisted. The lab knows the wire and nothing of the proxy: what it tests, it must not
share.
"""
