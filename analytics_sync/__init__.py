"""A Dagster code location that loads REST APIs into a warehouse.

In: declarations of APIs, in YAML. Out: one Dagster asset and one table per resource. The entry is
``analytics_sync.definitions``. Sixty resources of five APIs ship with the package.
"""
