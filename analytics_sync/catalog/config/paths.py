"""Paths in a catalog file: into a response, and to a field of a record.

In: a path as the file spells it. Out: a path of keys in one spelling, another path as it is; or an
error, which pydantic gives its place in the file.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from analytics_sync.common.json_path import compile_field, compile_path


def _response_path(path: str) -> str:
    compiled = compile_path(path)
    return path if compiled.chain is None else compiled.spelling


def _field_path(path: str) -> str:
    return compile_field(path).spelling


ResponsePath = Annotated[str, AfterValidator(_response_path)]
"""A path into a response or a parent's record: every JSONPath that dlt reads."""
FieldPath = Annotated[str, AfterValidator(_field_path)]
"""A path to a field of a record: keys only."""
