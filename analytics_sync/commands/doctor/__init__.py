"""The subcommand ``analytics-sync doctor``: whether this machine and its settings can run the sources.

In: the environment, the configured catalog, the warehouse, Dagster's home and the APIs. Out: diagnoses. Nothing
is loaded, and no file or table is made.
"""
