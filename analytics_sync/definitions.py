"""The Dagster code location, named in ``workspace.yaml``.

In: the catalog files that ship, and those in the folder that ``ANALYTICS_SYNC__CATALOG_DIR`` names.
Out: ``defs``, a function that Dagster calls to build the definitions. Importing the module reads no
catalog file, and building needs no secret and no network. A file that does not load takes no other down.
``defs`` also has the attributes of the ``Definitions`` object that it builds.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from analytics_sync.common.gc_tuning import freeze_objects

with freeze_objects():  # garbage collections during this import take 70 ms
    from dagster import Definitions, definitions
    from dagster.components.definitions import LazyDefinitions


class _CallableDefinitions(LazyDefinitions[Definitions]):
    """The function that builds the definitions, with the attributes of the ``Definitions`` object.

    Dagster calls the function. Scripts and tests may also write ``defs.resolve_job_def(...)``: that
    builds the definitions and reads the attribute of the result.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python looks for such names, on copying for instance
            raise AttributeError(name)
        return getattr(self(), name)


def _usable_as_object(lazy: Any) -> _CallableDefinitions:
    return _CallableDefinitions(load_fn=lazy.load_fn, has_context_arg=False)


@_usable_as_object
@definitions
@cache
def defs() -> Definitions:
    """All assets, checks, jobs, schedules and sensors.

    The first call builds the definitions, and later calls return the same object: one
    ``dagster asset materialize`` calls this function seven times.
    """
    with freeze_objects():
        # imported here, so that these modules, too, are loaded while the collector is off
        from analytics_sync.catalog.configured import configured_catalog
        from analytics_sync.common.telemetry import switch_off_telemetry
        from analytics_sync.defs.build import build_definitions

        switch_off_telemetry()
        catalog = configured_catalog()
        return build_definitions(catalog.sources, catalog.broken)
