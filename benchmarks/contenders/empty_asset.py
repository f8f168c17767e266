"""A code location of one asset that does nothing: what Dagster itself takes for a run.

Its step runs in the process of the run, as ours do; Dagster starts another one if it is not told.
"""

from dagster import Definitions, asset, in_process_executor


@asset
def empty() -> None:
    """Nothing."""


defs = Definitions(assets=[empty], executor=in_process_executor)
