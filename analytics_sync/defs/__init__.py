"""The warehouse's tables as Dagster sees them: assets, partitions, checks, jobs, schedules, sensors.

In: ``Source`` objects. Out: Dagster definitions, all built by functions, nothing read or written.
"""
