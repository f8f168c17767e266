"""The run config: what somebody may say of one run, in the launchpad or by ``--config``.

In: a mapping that somebody types. Out: ``SyncConfig``, whose help texts the launchpad shows.
"""
# No ``from __future__ import annotations`` here: Dagster inspects the class.

from dagster import Config
from pydantic import Field


class SyncConfig(Config):
    """What somebody may say of one run, in the launchpad or by ``--config``."""

    accept_shrunken: list[str] = Field(
        default=[],
        description=(
            "Resources that may list less than half of the rows that their table has: the rows that are "
            "not listed are then marked as deleted, or removed where the resource replaces rows."
        ),
    )
