"""The declaration of the simulated shop, as its owner edits it over the weeks.

In: edits. Out: the text of a catalog file with twelve resources.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SNAPSHOTS = ("customers", "contacts", "plans", "regions", "members")
WINDOWED = ("orders", "order_lines", "payments", "refunds", "visits", "stock", "tickets")
TABLES = (*SNAPSHOTS, *WINDOWED)
PARENTS = {"contacts": "customers", "order_lines": "orders"}
UNDECLARED = ("regions",)
REPLACED = ("plans", "stock")
FORGETFUL = ("refunds",)
"""Windowed resources whose rows are marked when the API does not list them any more."""

_NUMBERED = "count_path: total, paginator: {type: page_number, base_page: 1, total_path: null}"
_BY_CURSOR = "paginator: {type: cursor, cursor_param: cursor, cursor_path: meta.next, has_more_path: meta.has_more}"
_BOUNDS = "incremental: {cursor_path: updated_at, start_param: from, end_param: to}"
_BY_DAY = "incremental: {cursor_path: updated_at, start_param: from, end_param: to, param_format: date, time_zone: UTC}"
_HERE = "incremental: {cursor_path: updated_at}"


@dataclass
class Declaration:
    """A catalog file.

    Attributes:
        types: The declared type of the column ``value``, by resource.
        with_note: Resources whose column ``note`` is declared.
        with_required: Resources whose column ``name`` is required.
        descriptions: Descriptions of resources.
    """

    types: dict[str, str] = field(default_factory=dict)
    with_note: set[str] = field(default_factory=set)
    with_required: set[str] = field(default_factory=set)
    descriptions: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The text of the file."""
        head = "source: shop\nclient: {base_url: https://shop.invalid, error_handler: {max_retries: 0}}\nresources:\n"
        return head + "".join(self._resource(name) for name in TABLES)

    def _resource(self, name: str) -> str:
        lines = [f"name: {name}", "primary_key: id"]
        paging = _NUMBERED if name in {"customers", "members", "orders"} else _BY_CURSOR
        path, keys = f"/{name}", [f"data_selector: data, {paging}"]
        if parent := PARENTS.get(name):
            path = f"/{parent}/{{parent}}/{name}"
            keys.append(f"params: {{parent: {{type: resolve, resource: {parent}, field: id}}}}")
            lines.append("include_from_parent: {parent: id}")
        elif name in WINDOWED:
            keys.append({"visits": _BY_DAY, "payments": _HERE}.get(name, _BOUNDS))
        lines.append(f"endpoint: {{path: '{path}', {', '.join(keys)}}}")
        if name not in UNDECLARED:
            columns = ["id: text", "updated_at: timestamp", "name: text", "tags: json"]
            columns.append(f"value: {self.types.get(name, 'bigint')}")
            columns += ["parent: text"] * (name in PARENTS) + ["note: text"] * (
                name in self.with_note
            )
            lines.append(f"columns: {{{', '.join(columns)}}}")
        if name in self.with_required:
            lines.append("required: [name]")
        if name in REPLACED:
            lines.append("write_disposition: replace")
        if name in FORGETFUL:
            lines.append("deletes: window")
        if name in self.descriptions:
            lines.append(f"description: {self.descriptions[name]}")
        return "  - " + "\n    ".join(lines) + "\n"
