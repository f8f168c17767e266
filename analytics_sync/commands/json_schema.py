"""The subcommand ``analytics-sync json-schema``: what editors need to know of a catalog file.

In: nothing. Out: an exit status, and the JSON Schema on standard output or in a file.
"""

from __future__ import annotations

import argparse

from analytics_sync.catalog.json_schema import schema_text, write_schema


def json_schema(options: argparse.Namespace) -> int:
    """Print or write the schema.

    Raises:
        CatalogError: The file holds something else, or cannot be written.
    """
    if options.out is None:
        print(schema_text(), end="")
    else:
        write_schema(options.out)
        print(options.out)
    return 0
