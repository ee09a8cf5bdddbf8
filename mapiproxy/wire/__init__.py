"""HTTP/1.1 as bytes: heads, framing, readers. Knows nothing of MAPI, of sockets or of clocks."""
