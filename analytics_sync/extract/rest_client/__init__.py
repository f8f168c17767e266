"""Requests to one REST API: the only code that opens a connection."""
