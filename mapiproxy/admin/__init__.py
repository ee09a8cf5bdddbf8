"""The room for those who watch the proxy from outside: the status page for people, metrics for programs.

The page is given two functions, one that answers orders as the control socket does and one that has the
metrics, and knows nothing else of the service. Must not know how an order is carried out.
"""
