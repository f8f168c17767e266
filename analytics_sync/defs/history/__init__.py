"""The history of a source: what Dagster knows of its runs and materializations.

In: Dagster's instance. Out: records, tags, and comparisons with the warehouse.
"""
