"""Tests of analytics_sync: real HTTP, a real warehouse, a real Dagster instance."""
