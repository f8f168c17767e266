"""The server through which machines share the rate limits of their accounts.

In: the setting ``ANALYTICS_SYNC__COORDINATION``. Out: a connection to Redis or PostgreSQL.
"""
