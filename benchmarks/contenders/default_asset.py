"""The same asset that does nothing, as Dagster runs it when it is told nothing: a process for its step."""

from dagster import Definitions

from benchmarks.contenders.empty_asset import empty

defs = Definitions(assets=[empty])
