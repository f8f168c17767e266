"""``analytics-sync infer SOURCE RESOURCE --table``: the loaded table of a resource -> its columns in the catalog file.

In: a source or its file, the name of a resource, and the configured warehouse. Out: an exit status, and the catalog
file with columns, on standard output or in a file.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from analytics_sync.catalog import Resource, Source, load_text
from analytics_sync.catalog.files.text_file import read_text
from analytics_sync.commands.places import one_resource
from analytics_sync.commands.proposed_file import check_is_free, write_or_print
from analytics_sync.commands.usage import WrongUsage
from analytics_sync.common.errors import ExtractError, Place
from analytics_sync.infer.asking import Asker
from analytics_sync.infer.document import with_columns
from analytics_sync.infer.loaded_table import LoadedTable, columns_of, loaded_table, records_of
from analytics_sync.load.errors import LoadError
from analytics_sync.load.warehouse import open_warehouse


def infer_table(options: argparse.Namespace) -> int:
    """Print or write the catalog file with the columns of a loaded table.

    Returns:
        0, or 1 if the table is not loaded or the warehouse cannot be opened.

    Raises:
        CatalogError: The file cannot get columns.
        WrongUsage: The resource is not declared, or has columns.
    """
    source, resource = one_resource(f"{options.address}/{options.resource}")
    if resource.fields:
        raise WrongUsage(f"{resource} has columns already; --table is for a resource without them")
    file = Path(source.levels[-1].path)
    check_is_free(options.out, file)
    try:
        with open_warehouse(source.name) as warehouse:
            loaded = loaded_table(warehouse, resource.table)
    except LoadError as e:
        print(e, file=sys.stderr)
        return 1
    if loaded is None:
        print(f"{resource}: there is no loaded table; run the resource first", file=sys.stderr)
        return 1
    text = _with_columns(source, resource, loaded, file)
    load_text(text, name=file.stem, file=file.name)
    write_or_print(text, options.out)
    return 0


def _with_columns(source: Source, resource: Resource, loaded: LoadedTable, file: Path) -> str:
    place = Place(source.name, resource.name)
    try:
        if resource.parent is not None:
            raise ExtractError(place, "its requests need a parent.", "")
        with Asker(source, resource, 1, lambda line: print(line, file=sys.stderr)) as asker:
            records = records_of(asker, resource, place)
    except ExtractError as e:
        print(
            f"{e} Without a page of it, no field is proven to be spelled as its column.",
            file=sys.stderr,
        )
        records = []
    columns, required = columns_of(loaded, resource, records)
    return with_columns(read_text(file), file.name, resource.name, columns, required)
