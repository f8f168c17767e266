"""Sixty REST resources into a warehouse, as Dagster assets. The entry is ``analytics_sync.definitions``."""
