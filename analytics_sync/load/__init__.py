"""The load: the tables of a read run into the warehouse.

In: a ``ReadRun``. Out: merged tables and a ``Loaded`` report. Also read-only access for checks.
"""
