"""What in another proxy's configuration hurts MAPI over HTTP? Reads haproxy.cfg and nginx.conf."""
