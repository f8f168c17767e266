"""The REST client: requests, pagination and record selection for one API.

No other code opens a connection to an API.
"""
