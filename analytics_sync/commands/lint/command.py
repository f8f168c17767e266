"""The command: all rules for all resources of some files.

In: catalog files or places, and rules to leave out. Out: a line for each defect and its proposal, and an exit
status.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from analytics_sync.catalog import CatalogError, Resource, Source
from analytics_sync.catalog.configured import read_sources
from analytics_sync.commands.lint import key_rules, paging_rules, response_rules, window_rules
from analytics_sync.commands.lint.defect import Rule
from analytics_sync.commands.lint.lines import KeyLines
from analytics_sync.commands.output import show
from analytics_sync.commands.places import FILE_SUFFIXES, chosen, names_in
from analytics_sync.commands.usage import WrongUsage
from analytics_sync.common.shown import counted

RULES: tuple[Rule, ...] = (
    *paging_rules.RULES,
    *window_rules.RULES,
    *key_rules.RULES,
    *response_rules.RULES,
)
_FOUND = 1
_DOES_NOT_LOAD = "does-not-load"


def lint(options: argparse.Namespace) -> int:
    """Show the defects; return 1 if there is one."""
    if options.rules:
        document = {"rules": [{"rule": rule.name, "finds": rule.title} for rule in RULES]}
        show(options, document, (f"{rule.name:<28} {rule.title}" for rule in RULES))
        return 0
    ignored = {name for text in options.ignore or () for name in text.split(",")}
    if unknown := ignored - {rule.name for rule in RULES}:
        raise WrongUsage(f"no rule {sorted(unknown)[0]!r}: analytics-sync lint --rules lists them.")
    parts, errors = _parts(options.places)
    defects = [_of_error(error) for error in errors]
    defects += _defects(parts, [rule for rule in RULES if rule.name not in ignored])
    count = sum(len(resources) for _, resources in parts)
    found: dict[str, Any] = {"defects": defects, "resources": count}
    show(options, found, _lines(found))
    return _FOUND if defects else 0


def _parts(
    places: Sequence[str],
) -> tuple[Sequence[tuple[Source, Sequence[Resource]]], Sequence[CatalogError]]:
    """The sources and resources of the command line. A file that does not load is a defect."""
    names = names_in(places)
    files = [Path(name) for name in names if Path(name).suffix in FILE_SUFFIXES]
    others = [name for name in names if Path(name).suffix not in FILE_SUFFIXES]
    if not files:
        found = chosen(others)
        return found.parts, found.broken
    sources, errors = read_sources(files)
    parts = [(source, source.assets) for source in sources]
    return [*parts, *(chosen(others).parts if others else ())], errors


def _defects(
    parts: Sequence[tuple[Source, Sequence[Resource]]], rules: Collection[Rule]
) -> Iterator[dict[str, Any]]:
    """The defects of all resources. Sources of one file have each of them once."""
    known: set[tuple[object, ...]] = set()
    for source, resources in parts:
        lines = KeyLines(source)
        helpers = [r for r in source.resources.values() if not r.selected]
        for resource, rule in product((*resources, *helpers), rules):
            for defect in rule.find(source, resource):
                line = lines.line(resource, defect.path)
                place = (lines.file, line, rule.name, defect.reason)
                if place in known or lines.is_ignored(line, rule.name):
                    continue
                known.add(place)
                yield {
                    "rule": rule.name,
                    "file": lines.file,
                    "line": line,
                    "resource": str(resource),
                    "reason": defect.reason,
                    "proposal": defect.proposal,
                }


def _of_error(error: CatalogError) -> dict[str, Any]:
    return {
        "rule": _DOES_NOT_LOAD,
        "file": error.file,
        "line": error.line,
        "resource": error.resource,
        "reason": str(error),
        "proposal": "",
    }


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    for defect in found["defects"]:
        if defect["rule"] == _DOES_NOT_LOAD:
            yield f"{defect['reason']} [{_DOES_NOT_LOAD}]"
            continue
        yield (
            f"{defect['file']}:{defect['line']}: {defect['resource']}: {defect['reason']} [{defect['rule']}]"
        )
        yield f"    {defect['proposal']}"
    said = counted(len(found["defects"]), "defect") if found["defects"] else "no defects"
    yield f"{said} in {counted(found['resources'], 'resource')}"
