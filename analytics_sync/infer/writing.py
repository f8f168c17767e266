"""The YAML of a proposal: its keys, and above or beside each the reason.

In: a ``Proposal``. Out: lines of a catalog file. A choice without a proof is a comment. No value of a record is in
them: a record may hold what only its table should.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from analytics_sync.common.errors import printable
from analytics_sync.infer.proposal import Choice, Proposal, ProposedColumn, ProposedParent

_WIDTH = 110


def resource_lines(proposal: Proposal) -> list[str]:
    """The lines of one resource, as an element of the list of resources."""
    lines = [f"name: {flow(proposal.name)}"]
    for note in proposal.notes:
        lines += comment(note)
    lines.append("endpoint:")
    lines += _indented(_endpoint(proposal))
    lines += comment(f"primary_key, {proposal.key.comment}")
    key = proposal.key.value
    if isinstance(key, Sequence) and not isinstance(key, str) and len(key) == 1:
        key = key[0]
    lines.append(f"primary_key: {flow(key)}")
    if proposal.parent is not None:
        lines += _from_parent(proposal.parent)
    lines += columns_lines(proposal.columns, proposal.required)
    return [f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]


def columns_lines(columns: Sequence[ProposedColumn], required: Choice) -> list[str]:
    """The lines of the keys ``columns`` and ``required``."""
    lines = list(_column_lines(columns))
    has_types = any(column.data_type is not None for column in columns)
    head = ["columns:"] if has_types else ["# columns:"] if lines else []
    return [*head, *_indented(lines), *_choice("required", required)]


def _column_lines(columns: Sequence[ProposedColumn]) -> Iterator[str]:
    """A line for each column: a field without a type is a comment."""
    for column in columns:
        note = f"  # {printable(column.note)}" if column.note else ""
        if column.data_type is None:
            yield f"# {printable(flow(column.path))}:{note}"
        else:
            yield f"{flow(column.path)}: {_type(column)}{note}"


def comment(text: str) -> Iterator[str]:
    """A text as comments, in lines that an editor shows whole."""
    words = printable(text).split()
    line = "#"
    for word in words:
        if len(line) + len(word) >= _WIDTH and line != "#":
            yield line
            line = "#"
        line += f" {word}"
    yield line


def flow(value: Any) -> str:
    """A value in one line."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, width=1 << 20, allow_unicode=True, sort_keys=False
    )
    return text.removesuffix("...\n").strip()


def _endpoint(proposal: Proposal) -> Iterator[str]:
    yield f"path: {flow(proposal.path)}"
    params: Mapping[str, Any] = proposal.params
    if proposal.parent is not None:
        parent = proposal.parent
        resolve = {"type": "resolve", "resource": parent.resource, "field": parent.field}
        params = {**params, parent.placeholder: resolve}
    if params:
        yield f"params: {flow(dict(params))}"
    yield from _choice("data_selector", proposal.selector)
    if proposal.key_field is not None:
        yield f"key_field: {flow(proposal.key_field)}"
    yield from _choice("paginator", proposal.paginator)
    if proposal.count_path is not None:
        yield from _choice("count_path", proposal.count_path)
    if proposal.incremental is not None:
        yield from _choice("incremental", proposal.incremental)


def _choice(key: str, choice: Choice) -> Iterator[str]:
    yield from comment(f"{key}, {choice.comment}")
    if choice.value is not None:
        yield f"{key}: {flow(choice.value)}"


def _from_parent(parent: ProposedParent) -> Iterator[str]:
    yield f"include_from_parent: {flow({parent.placeholder: parent.field})}"


def _type(column: ProposedColumn) -> str:
    data_type = column.data_type or ""
    return (
        data_type
        if column.format is None
        else flow({"data_type": data_type, "format": column.format})
    )


def _indented(lines: Iterator[str] | Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]
