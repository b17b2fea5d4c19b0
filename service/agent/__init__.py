"""The vehicle's end: frames from cameras, kept through power cuts, sent over whatever link there is.

    source ─► sampling ─► spool (photo fsynced, row committed: the receipt) ─► looking ─► sending ─► server

Imports models and inference, and of the server's modules only what both ends share. It stays small in memory:
no database toolkit, no web framework, no model unless detection is asked for.
"""
