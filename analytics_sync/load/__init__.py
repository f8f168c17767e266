"""A dlt source -> the warehouse.

In: a ``ReadRun``. Out: loaded tables and a ``Loaded`` report; and read-only access for checks.
"""
