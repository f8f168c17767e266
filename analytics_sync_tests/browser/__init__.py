"""Tests of Dagster's UI in a browser, on what a newcomer gets from ``make demo`` and ``make dev``."""
