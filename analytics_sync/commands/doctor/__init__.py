"""The subcommand ``analytics-sync doctor``: whether this machine and its settings can run the sources.

In: the environment, the configured catalog, the warehouse, Dagster's home and the APIs. Out: diagnoses. Nothing
is loaded. No table is made, and no file except those that Dagster makes in its home at its first use.
"""
