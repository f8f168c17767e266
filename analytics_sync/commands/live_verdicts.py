"""Verdicts of a live check: what the first page of a resource proves of its declaration.

In: the read of one page, or its error. Out: for each aspect whether it holds, does not hold, or is not proven,
with a sentence. An aspect that no record shows is not proven: an empty page proves neither keys nor types.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.building.setting_places import setting_places
from analytics_sync.catalog.naming import EXTRA
from analytics_sync.common.errors import (
    ConnectionFailed,
    ExtractError,
    ForeignOrigin,
    HttpStatusError,
    MissingSetting,
)
from analytics_sync.common.shown import counted, shown
from analytics_sync.extract.convert.converter import NO_KEY
from analytics_sync.extract.evidence.findings import PRIMARY_KEY_UNIQUE
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.trial import trial_text

SETTINGS, PARENT, REACHABLE, KEY, ALLOWED = "settings", "parent", "reachable", "key", "allowed"
ADDRESS, RECORDS, PRIMARY_KEY, CURSOR, TYPES = (
    "address", "records", "primary key", "cursor", "types",
)  # fmt: skip
ASPECTS = (
    SETTINGS, PARENT, REACHABLE, KEY, ALLOWED, ADDRESS, RECORDS, PRIMARY_KEY, CURSOR, TYPES,
)  # fmt: skip
_BY_STATUS = {401: KEY, 403: ALLOWED, 404: ADDRESS, 405: ADDRESS, 410: ADDRESS}
_SHAPE = (RECORDS, PRIMARY_KEY, CURSOR, TYPES)
_MAX_EXAMPLES = 5
_NO_CURSOR = "no usable cursor", "cursor "


class Proof(StrEnum):
    """Whether an aspect holds."""

    OK = "ok"
    FAILED = "failed"
    UNPROVEN = "not proven"
    NOT_DECLARED = "-"


@dataclass(frozen=True)
class AspectVerdict:
    """The verdict on one aspect of a resource."""

    state: Proof
    text: str = ""


Verdicts = dict[str, AspectVerdict]


def of_error(source: Source, resource: Resource, error: Exception) -> Verdicts:
    """The verdicts of a page that could not be read."""
    aspect = _aspect_of(error)
    verdicts = _declared(source, resource)
    reached = ASPECTS.index(aspect)
    for name in verdicts:
        if verdicts[name].state is Proof.NOT_DECLARED:
            continue
        if name == aspect:
            verdicts[name] = AspectVerdict(Proof.FAILED, str(error).partition("\n")[0])
        elif ASPECTS.index(name) < reached and not (name == KEY and aspect in (ALLOWED, ADDRESS)):
            verdicts[name] = AspectVerdict(Proof.OK)
    return verdicts


def of_page(source: Source, result: ReadResult, statuses: Sequence[int]) -> Verdicts:
    """The verdicts of a page.

    Args:
        source: The declaration.
        result: The read of the page.
        statuses: Of all responses to requests for the resource.
    """
    resource = result.resource
    verdicts = _declared(source, resource)
    asked = bool(statuses)
    for name in (SETTINGS, PARENT):
        if verdicts[name].state is not Proof.NOT_DECLARED:
            verdicts[name] = AspectVerdict(Proof.OK)
    if not asked:
        why = f"the first page of {resource.parent} has no record to ask for; name other --days"
        return _unproven(verdicts, (PARENT, REACHABLE, KEY, ALLOWED, ADDRESS, *_SHAPE), why)
    _set(verdicts, REACHABLE, Proof.OK)
    if not result.pages:
        status = statuses[-1]
        if not any(action.action == "ignore" for action in resource.response_actions):
            _set(verdicts, RECORDS, Proof.FAILED, f"no page was read; the last status is {status}")
            return verdicts
        why = f"status {status} means no records by declaration (response_actions)"
        return _unproven(verdicts, (KEY, ALLOWED, ADDRESS, *_SHAPE), why)
    for name in (KEY, ALLOWED, ADDRESS):
        _set(verdicts, name, Proof.OK)
    _judge_records(verdicts, result)
    return verdicts


def _declared(source: Source, resource: Resource) -> Verdicts:
    """All aspects: not proven yet, or not declared."""
    has_key = any(place.is_secret for place in setting_places(source.client, {}))
    absent = {
        PARENT: resource.parent is None,
        KEY: not has_key,
        PRIMARY_KEY: not resource.primary_key or resource.has_row_hash,
        CURSOR: resource.incremental is None,
        TYPES: not (resource.fields or resource.hints),
    }
    return {
        name: AspectVerdict(Proof.NOT_DECLARED)
        if absent.get(name)
        else AspectVerdict(Proof.UNPROVEN)
        for name in ASPECTS
    }


def _judge_records(verdicts: Verdicts, result: ReadResult) -> None:
    resource, reasons = result.resource, result.rejected.reasons
    if said := result.filter_evidence.message():
        _set(verdicts, RECORDS, Proof.FAILED, said)
        return
    if not result.records:
        why = "the page has no records"
        why += "; name other --days" if resource.incremental else ""
        _unproven(verdicts, _SHAPE, why)
        return
    findings = [
        text
        for said in result.findings.by_check().values()
        for text in said
        if text != trial_text(1)
    ]
    without_key = [why for why in reasons if why.startswith(NO_KEY)]
    without_cursor = [why for why in reasons if why.startswith(_NO_CURSOR)]
    others = [why for why in reasons if why not in (*without_key, *without_cursor)]
    shared = result.findings.of(PRIMARY_KEY_UNIQUE)
    other_findings = [text for text in findings if text not in shared and not reasons]
    placed = result.rows > 0
    why = (
        f"all {counted(result.records, 'record')} of the page lie outside of the window"
        if result.outside_window == result.records
        else "no record of the page could be placed"
    )
    _judge(verdicts, RECORDS, [_rejected(reasons, others), *other_findings], proven=True)
    _judge(verdicts, CURSOR, [_rejected(reasons, without_cursor)], proven=True)
    _judge(
        verdicts, PRIMARY_KEY, [_rejected(reasons, without_key), *shared], proven=placed, why=why
    )
    _judge(verdicts, TYPES, [_misfits(result)], proven=placed, why=why)


def _judge(
    verdicts: Verdicts, name: str, problems: Iterable[str], *, proven: bool, why: str = ""
) -> None:
    found = [text for text in problems if text]
    if found:
        _set(verdicts, name, Proof.FAILED, " ".join(found))
    else:
        _set(verdicts, name, Proof.OK if proven else Proof.UNPROVEN, "" if proven else why)


def _rejected(reasons: Any, some: Sequence[str]) -> str:
    """The records that cannot be placed, in words; empty without one."""
    return "; ".join(f"{counted(reasons[why], 'record')}: {why}" for why in some)


def _misfits(result: ReadResult) -> str:
    """The declared fields whose values do not fit their type, in words; empty without one."""
    resource = result.resource
    fields = {".".join(f.path): f for f in (*resource.fields, *resource.hints)}
    counts: dict[str, int] = {}
    examples: dict[str, object] = {}
    for table in result.buffer.tables() if result.buffer else ():
        for extra in table.column(EXTRA).drop_null().to_pylist():
            for name, value in json.loads(extra).items():
                if name in fields:
                    counts[name] = counts.get(name, 0) + 1
                    examples.setdefault(name, value)
    named = [
        f"{name} is {fields[name].data_type}, and {counted(count, 'value')} "
        f"{'does' if count == 1 else 'do'} not fit, for example {shown(json.dumps(examples[name]), 60)}"
        for name, count in list(counts.items())[:_MAX_EXAMPLES]
    ]
    return "; ".join(named) + (". Correct the types in columns." if named else "")


def _aspect_of(error: Exception) -> str:
    """The aspect that an error concerns."""
    match error:
        case MissingSetting():
            return SETTINGS
        case HttpStatusError(status=status) if status in _BY_STATUS:
            return _BY_STATUS[status]
        case HttpStatusError(status=status):
            return REACHABLE if status >= 500 or status == 429 else RECORDS
        case ConnectionFailed() | ForeignOrigin():
            return REACHABLE
        case ExtractError(__cause__=ExtractError()):
            return PARENT
    return RECORDS


def _set(verdicts: Verdicts, name: str, state: Proof, text: str = "") -> None:
    if verdicts[name].state is not Proof.NOT_DECLARED:
        verdicts[name] = AspectVerdict(state, text)


def _unproven(verdicts: Verdicts, names: Iterable[str], why: str) -> Verdicts:
    for name in names:
        _set(verdicts, name, Proof.UNPROVEN, why)
    return verdicts
