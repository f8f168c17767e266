"""The subcommand ``analytics-sync convert``: a ``rest_api`` configuration of dlt in Python -> a catalog file.

In: a Python file, or standard input. Out: an exit status, and YAML on standard output. Nothing is run.
"""

from __future__ import annotations

import argparse
import sys

import yaml

from analytics_sync.catalog import CatalogError, load_text
from analytics_sync.catalog.files.python_config import parse_python
from analytics_sync.catalog.files.text_file import decoded, read_text
from analytics_sync.catalog.loader import YAML_SUFFIXES

_STANDARD_INPUT = "-"


def convert(options: argparse.Namespace) -> int:
    """Print the catalog file of a configuration.

    Raises:
        CatalogError: The file cannot be read, or is no valid configuration. Nothing is printed then.
    """
    file, name = options.file, options.name or options.file.stem
    if str(file) == _STANDARD_INPUT:
        if not options.name:
            raise CatalogError("the source has no name yet; add --name NAME", file="standard input")
        text, shown = decoded(sys.stdin.buffer.read(), "standard input"), "standard input"
    elif file.suffix in YAML_SUFFIXES:
        problem = "is YAML already; look at it with analytics-sync check, or name a Python file"
        raise CatalogError(problem, file=str(file))
    else:
        text, shown = read_text(file), file.name  # once: a pipe cannot be read again
    data, _ = parse_python(text, shown)
    load_text(text, name=name, file=shown, python=True)  # its errors name lines of the Python file
    print(yaml.safe_dump({"source": name, **data}, sort_keys=False, width=100), end="")
    return 0
