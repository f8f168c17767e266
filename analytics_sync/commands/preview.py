"""The subcommand ``analytics-sync preview``: the first page of one resource as a table.

In: one resource, and days. Out: the requests that were sent, the rows of the first page as a load would have
them, and an exit status. The read is a trial of one page: it opens no warehouse, and leaves no journal and no
history. Its requests take slots of the rate limit.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analytics_sync.commands.output import show
from analytics_sync.commands.places import one_resource
from analytics_sync.commands.tables import table_lines
from analytics_sync.commands.windows import planned_window
from analytics_sync.common.errors import ExtractError
from analytics_sync.common.shown import counted, shown
from analytics_sync.extract.rest_client.call import Exchange
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.run import ReadRun
from analytics_sync.extract.trial import trial_text

_FAILED = 1
_MAX_CELL = 32  # characters
_GAP = 2  # between columns


def preview(options: argparse.Namespace) -> int:
    """Read and show the first page; return 1 if it cannot be read."""
    source, resource = one_resource(options.resource)
    planned = planned_window(source, [resource], options.days, must_have=True)
    sent: list[Exchange] = []
    problem, found = "", {}
    try:
        with ReadRun(
            planned.source, planned.window, [resource.name], page_limit=1, on_response=sent.append
        ) as run:
            found = _found(run.result(resource.name), options.rows)
    except ExtractError as e:
        problem = str(e)
    document = {
        "asset": str(resource),
        "window": str(planned.window) if planned.window else None,
        "requests": [{"request": e.request, "status": e.status} for e in sent],
        **found,
        "error": problem or None,
    }
    show(options, document, _lines(document))
    if problem:
        print(problem, file=sys.stderr)
    return _FAILED if problem else 0


def _found(result: ReadResult, limit: int) -> dict[str, Any]:
    """What the page held."""
    rows: list[dict[str, Any]] = []
    for table in result.buffer.tables() if result.buffer else ():
        rows += table.slice(0, limit - len(rows)).to_pylist() if len(rows) < limit else []
    findings = [said for found in result.findings.by_check().values() for said in found]
    return {
        "records": result.records,
        "outside_window": result.outside_window,
        "rejected": dict(result.rejected.reasons),
        "rows_of_page": result.rows,
        "rows": [{name: _value(value) for name, value in row.items()} for row in rows],
        "absent_fields": [field.name for field in result.absent],
        "findings": [said for said in findings if said != trial_text(1)],
    }


def _value(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    of = f" {found['window']}" if found["window"] else ""
    yield f"{found['asset']}{of}: the first page. Nothing is loaded."
    for exchange in found["requests"]:
        yield f"request: {exchange['request']} -> {exchange['status']}"
    if "rows" not in found:
        return
    rows = found["rows"]
    parts = [counted(found["records"], "record"), counted(found["rows_of_page"], "row")]
    if found["outside_window"]:
        parts.append(f"{found['outside_window']:,} outside of the window")
    yield ", ".join(parts)
    yield from (f"rejected: {count} records: {why}" for why, count in found["rejected"].items())
    if found["absent_fields"]:
        yield f"declared, and in no record: {', '.join(found['absent_fields'])}"
    yield from found["findings"]
    if rows:
        yield ""
        yield from _table(rows)
    if len(rows) < found["rows_of_page"]:
        yield f"{found['rows_of_page'] - len(rows):,} more rows: --rows shows them"
    if not found["records"]:
        advice = ": name other days with --days" if found["window"] else ""
        yield f"The page holds no records{advice}."


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The rows as a table. In a terminal, columns beyond its width are named below."""
    names = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    empty = [name for name in rows[0] if name not in names]
    columns = {
        name: [shown(name, _MAX_CELL), *(_cell(row[name]) for row in rows)] for name in names
    }
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    fitting: list[str] = []
    for name in names:
        room -= max(map(len, columns[name])) + _GAP
        if room < 0 and fitting:
            break
        fitting.append(name)
    yield from table_lines(list(zip(*(columns[name] for name in fitting), strict=True)))
    if len(fitting) < len(names):
        yield f"more columns: {', '.join(names[len(fitting) :])}"
    if empty:
        yield f"columns without a value: {', '.join(empty)}"


def _cell(value: Any) -> str:
    return "" if value is None else shown(value, _MAX_CELL)
