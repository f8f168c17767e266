"""Dagster's definitions: assets, partitions, checks, jobs, schedules and sensors.

In: ``Source`` objects. Out: Dagster definitions. Functions build them, and building reads and
writes nothing.
"""
