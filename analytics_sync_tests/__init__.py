"""Tests of analytics_sync, with real HTTP, a real warehouse and a real Dagster instance."""
