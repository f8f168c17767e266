"""Connections: sockets that end at their deadline, and bodies that are unpacked within limits.

In: an address and a deadline.
Out: responses as bytes.
"""
