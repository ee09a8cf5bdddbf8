"""The room for those who watch the proxy from outside: what it shows to their programs."""
