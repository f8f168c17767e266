"""The catalog file of a proposal: a new one, or a file with further resources.

In: proposals, and the client or the text of a file. Out: the text of a catalog file that loads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.json_schema import MODELINE
from analytics_sync.infer.proposal import Proposal
from analytics_sync.infer.writing import comment, flow, resource_lines

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
    end = next((n for n in range(start, len(lines)) if _TOP_KEY.match(lines[n])), len(lines))
    while end > start and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    added = [f"{indent}{line}" for line in comment(_head(origin))]
    added += _resources(proposals, indent)
    return "\n".join([*lines[:end], "", *added, *lines[end:]]) + "\n"


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
