"""The judge of a finished read: may it replace a table?

In: a read that has ended, and the read of its parent. Out: findings of the parent that concern the child;
an error, if the resource replaces its table and the read is known to lack rows. Merged rows are loaded in
spite of such a finding, and its check fails.
"""

from __future__ import annotations

from analytics_sync.common.errors import ExtractError, Place
from analytics_sync.extract.evidence.findings import (
    COMPLETE,
    DECLARED_SCHEMA,
    PRIMARY_KEY_UNIQUE,
    WINDOW_BOUNDS,
)
from analytics_sync.extract.read_context import ReadContext
from analytics_sync.extract.result import ReadResult

_INCOMPLETE = "the read is not complete, so it"
_RUN_AGAIN = "Run again; if the message stays, correct the declaration, or use merge."


def judge_shortfall(context: ReadContext) -> None:
    """Judge how the request series of a read ended, and whether a filter left all records out.

    Raises:
        ExtractError: The resource replaces its table, and the read is known to be short.
    """
    result = context.result
    if result.shortfall is not None:
        total = result.reported_total
        is_hidden = total is None or result.records >= total  # other series made up for it
        if result.resource.write_disposition == "replace" or is_hidden:
            result.findings.add(COMPLETE, result.shortfall_text, result.totals.short)
    for message in (result.filter_evidence.message(), context.processing.message()):
        if message:
            result.findings.add(COMPLETE, message)
    _refuse_to_replace(result, context.place, COMPLETE, _INCOMPLETE, _RUN_AGAIN)


def judge_records(context: ReadContext) -> None:
    """Judge the records of a read that are not loaded, once all of them are known.

    These are rejected records, records whose key another record has too, and records that did not come
    because others came again.

    Raises:
        ExtractError: The resource replaces its table, and too many records are rejected, are missing
            or share a primary key.
    """
    reasons = {
        COMPLETE: (_INCOMPLETE, _RUN_AGAIN),
        DECLARED_SCHEMA: (
            "too many records cannot be placed, so the read",
            "Correct the declaration, then run again.",
        ),
        PRIMARY_KEY_UNIQUE: (
            "records would be lost, so the read",
            "Correct primary_key, then run again.",
        ),
        WINDOW_BOUNDS: (
            "records of the window may be missing, so the read",
            "Correct incremental, then run again.",
        ),
    }
    for check, (reason, advice) in reasons.items():
        try:
            _refuse_to_replace(context.result, context.place, check, reason, advice)
        except ExtractError:
            context.journal.discard()
            raise


def judge_parent(parent: ReadResult, child: ReadResult, place: Place) -> None:
    """Record in the result of a child that rows may be missing, because its parent may lack records.

    Args:
        parent: The finished read of the parent.
        child: The finished read of the child.
        place: Names the child.

    Raises:
        ExtractError: The child replaces its table.
    """
    name, findings = parent.resource.name, child.findings
    if not parent.complete:
        child.parents_complete = False
    child.refused_above = parent.refused + parent.refused_above
    if child.refused_above and child.resource.write_disposition == "replace":
        findings.add(
            COMPLETE,
            f"The API refused {child.refused_above} children, so the parent {name} lacks records.",
        )
    said = [*parent.findings.placed(COMPLETE), *parent.findings.placed(PRIMARY_KEY_UNIQUE)]
    if parent.shortfall_text and parent.shortfall_text not in dict(said):
        said.append((parent.shortfall_text, parent.totals.short))
    # A child without a time of its own has the window of its parent.
    has_window = child.resource.cursor is None
    for message, windows in said:
        findings.add(COMPLETE, f"Of the parent {name}: {message}", windows if has_window else None)
    if parent.rejected:
        findings.add(
            COMPLETE,
            f"{len(parent.rejected)} records of the parent {name} were rejected, so their children "
            f"were not read: look at the table _rejected, and at the columns of {name}.",
            parent.rejected.windows if has_window else None,
        )
    _refuse_to_replace(child, place, COMPLETE, _INCOMPLETE, _RUN_AGAIN)


def _refuse_to_replace(
    result: ReadResult, place: Place, check: str, reason: str, advice: str
) -> None:
    found = result.findings.of(check)
    if found and result.resource.write_disposition == "replace":
        message = f"{reason} does not replace the table. {' '.join(found)}"
        raise ExtractError(place, message, advice)
