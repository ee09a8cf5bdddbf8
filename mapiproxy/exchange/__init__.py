"""One request and its answer, across both sides of the proxy."""
