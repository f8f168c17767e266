"""The load package: what dlt has normalized and not loaded yet.

In: a pipeline with a normalized load package. Out: a package without the tables of some resources.
"""

from __future__ import annotations

from collections.abc import Collection

import dlt
from dlt.common.storages.load_package import ParsedLoadJobFileName

from analytics_sync.catalog import Resource


def remove_from_package(pipeline: dlt.Pipeline, resources: Collection[Resource]) -> None:
    """Remove the tables of resources from the load package.

    They leave its schema, too: dlt stores the hash of a schema that it has loaded, and with this
    hash in store it never adds a missing column to these tables.
    """
    # dlt has no public way to change a package before its load
    packages = pipeline._get_load_storage().normalized_packages
    tables = {resource.table for resource in resources}
    for load_id in packages.list_packages():
        for file in packages.list_new_jobs(load_id):
            if ParsedLoadJobFileName.parse(file).table_name in tables:
                packages.storage.delete(file)
        schema = packages.load_schema(load_id)
        schema.drop_tables(sorted(tables))
        packages.save_schema(load_id, schema)
