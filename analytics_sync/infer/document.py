"""The catalog file of a proposal: a new one, or a file with further resources.

In: proposals, and the client or the text of a file. Out: the text of a catalog file that loads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.json_schema import MODELINE
from analytics_sync.catalog.naming import resource_name
from analytics_sync.infer.proposal import Choice, Proposal, ProposedColumn
from analytics_sync.infer.writing import columns_lines, comment, flow, resource_lines

_TOP_KEY = re.compile(r"^[A-Za-z_\"']")
_INDENT = "  "


def new_document(
    source: str, client: Mapping[str, Any], proposals: Sequence[Proposal], origin: str
) -> str:
    """The text of a new file.

    Args:
        source: Name of the source.
        client: The keys of the client.
        proposals: The resources.
        origin: Where the proposal comes from, as a sentence.
    """
    lines = [MODELINE.rstrip("\n"), *comment(_head(origin)), f"source: {flow(source)}", "client:"]
    lines += [f"{_INDENT}{name}: {flow(value)}" for name, value in client.items()]
    lines.append("resources:")
    lines += _resources(proposals, _INDENT)
    return "\n".join(lines) + "\n"


def extended_document(text: str, file: str, proposals: Sequence[Proposal], origin: str) -> str:
    """The text of a file with further resources at the end of its list.

    Args:
        text: The file as it is; all of it stays.
        file: Its name, for messages.
        proposals: The resources to add.
        origin: Where the proposal comes from, as a sentence.

    Raises:
        CatalogError: The list of resources is not written with a line for each element.
    """
    lines = text.splitlines()
    start, indent = _list_of_resources(text, lines, file)
    end = _end_of_list(lines, start)
    while end > start and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    added = [f"{indent}{line}" for line in comment(_head(origin))]
    added += _resources(proposals, indent)
    return "\n".join([*lines[:end], "", *added, *lines[end:]]) + "\n"


def without_inherited_paginator(proposal: Proposal) -> Proposal:
    """The proposal for a file with a paginator for all resources: one that is not proven is not inherited."""
    paginator = proposal.paginator
    if paginator.value is not None:
        return proposal
    return replace(proposal, paginator=replace(paginator, value="auto"))


def with_columns(
    text: str, file: str, resource: str, columns: Sequence[ProposedColumn], required: Choice
) -> str:
    """The text of a file whose resource gets columns. All else stays.

    Args:
        text: The file as it is.
        file: Its name, for messages.
        resource: Name of the resource.
        columns: Its columns.
        required: The fields that are never null.

    Raises:
        CatalogError: The resource is not written as ``- name: ...``, or has columns.
    """
    lines = text.splitlines()
    start, indent, end = _place_of_resource(text, lines, resource, file)
    while end > start and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    added = columns_lines(columns, required)
    return "\n".join([*lines[:end], *(f"{indent}{line}" for line in added), *lines[end:]]) + "\n"


def _place_of_resource(
    text: str, lines: Sequence[str], resource: str, file: str
) -> tuple[int, str, int]:
    """The first line of a resource, the indent of its keys, and the line after it."""
    first, _ = _list_of_resources(text, lines, file)
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    items = next(value.value for key, value in root.value if key.value == "resources")
    for number, item in enumerate(items):
        if not isinstance(item, yaml.MappingNode) or item.flow_style:
            continue
        keys = {key.value: value.value for key, value in item.value}
        if resource_name(str(keys.get("name", ""))) != resource:
            continue
        if "columns" in keys:
            raise CatalogError(
                "has columns already; remove them first", file=file, resource=resource
            )
        start = item.start_mark.line
        if number + 1 < len(items):
            end = items[number + 1].start_mark.line
        else:
            end = _end_of_list(lines, first)
        return start, " " * item.start_mark.column, end
    raise CatalogError(
        "expected the resource as '- name: ...' with a line for each key, to add columns to it",
        file=file,
        resource=resource,
    )


def _end_of_list(lines: Sequence[str], start: int) -> int:
    """The line of the next key at the top of the file, or the end."""
    return next((n for n in range(start, len(lines)) if _TOP_KEY.match(lines[n])), len(lines))


def _list_of_resources(text: str, lines: Sequence[str], file: str) -> tuple[int, str]:
    """The line of the first resource, and the indent of the list."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode), "the file was loaded"
    for key, value in root.value:
        if key.value == "resources" and isinstance(value, yaml.SequenceNode):
            if value.flow_style or not value.value:
                break
            line = value.value[0].start_mark.line
            indent, dash, _ = lines[line].partition("-")
            if dash and not indent.strip():
                return line, indent
    raise CatalogError(
        "expected resources as a list with '- name: ...' on lines of their own, to add to it; "
        "write it so, or leave out --base",
        file=file,
    )


def _head(origin: str) -> str:
    return (
        f"Proposed by analytics-sync infer, from {origin}. Read each comment: likely is no proof, "
        "and TODO is left to you."
    )


def _resources(proposals: Sequence[Proposal], indent: str) -> list[str]:
    lines: list[str] = []
    for number, proposal in enumerate(proposals):
        lines += [""] if number else []
        lines += [f"{indent}{line}" for line in resource_lines(proposal)]
    return lines
