"""Twisted lives here: transports, deadlines, dialling, TLS, files. Decides nothing."""
