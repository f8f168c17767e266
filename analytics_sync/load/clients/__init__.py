"""Clients: connections to DuckDB and PostgreSQL, their merges, and the place of the warehouse.

In: the configured destination.
Out: dlt's clients and jobs for it; statements that find no code of others.
"""
