"""The HTTP API that Toxiproxy's clients know, over the devices of the lab: only TCP, only its seven toxics.

toxics.py says what each toxic is here, proxies.py keeps them, api.py speaks HTTP.
"""
