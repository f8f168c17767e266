"""A code location with one asset that does nothing: it shows the time of Dagster itself.

The asset's step runs in the process of the run, as this package's steps do. By default, Dagster
starts another process for it.
"""

from dagster import Definitions, asset, in_process_executor


@asset
def empty() -> None:
    """An asset without data."""


defs = Definitions(assets=[empty], executor=in_process_executor)
