"""The fleet as plain state: who exists, who is up, who holds which session. No sockets, no HTTP."""
