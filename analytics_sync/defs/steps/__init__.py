"""The steps that load: a source is read and loaded in a run.

In: Dagster's context and the run config. Out: materializations, or a failure that names its cause.
"""
