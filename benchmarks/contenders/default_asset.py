"""A code location with the asset of ``empty_asset``, run with Dagster's default executor.

Dagster then starts a process for the asset's step.
"""

from dagster import Definitions

from benchmarks.contenders.empty_asset import empty

defs = Definitions(assets=[empty])
