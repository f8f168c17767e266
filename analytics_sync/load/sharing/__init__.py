"""Sharing: one writer at a time, waits for other programs, and a copy for readers.

In: a warehouse that others use, too.
Out: the warehouse, opened under its lock; a copy of a DuckDB file.
"""
