"""The subcommand ``analytics-sync settings``: the settings of each source, and which are set.

In: the configured catalog, the environment and dlt's files of settings. Out: an exit status, and a line or an
entry for each setting. The values of the API's settings are never shown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from analytics_sync.catalog import CatalogError, Source, configured_files
from analytics_sync.catalog.configured import Catalog, read_catalog
from analytics_sync.catalog.errors import WrongSetting
from analytics_sync.catalog.names import PROJECT_VARIABLES, variables
from analytics_sync.catalog.plan import plan_of
from analytics_sync.commands.output import show
from analytics_sync.commands.sources import team_settings
from analytics_sync.common.shown import counted
from analytics_sync.defs.alerts.alert_settings import (
    ALLOW_HTTP,
    DAGSTER_URL,
    URLS,
    alert_settings,
    is_set,
)
from analytics_sync.extract.rest_client.declared_settings import DeclaredSetting, declared_settings
from analytics_sync.extract.rest_client.setting_hints import misspelt
from analytics_sync.load.gone.shrinkage import wrong_accepted

_INCOMPLETE = 1  # a run would fail for the lack of a setting
_WRONG = 2  # usage, a catalog file, or a value of the team's settings
_Entry = Mapping[str, str]


def settings(options: argparse.Namespace) -> int:
    """Show the settings, and return whether runs have all that they need."""
    catalog = read_catalog(configured_files())
    sources = catalog.sources
    if options.source is not None and options.source not in sources:
        errors = [str(broken.error) for broken in catalog.broken]
        errors.append(f"no source {options.source!r}; known: {', '.join(sources)}")
        show(options, {"error": errors[-1], "errors": errors}, [])
        return _report(errors, _WRONG)
    chosen = [s for s in sources.values() if options.source in (None, s.name)]
    entries, hints, wrong, missing = [], list[str](), list[str](), 0
    for source in chosen:
        declared = declared_settings(source)
        entries += [_of_api(source, setting) for setting in declared]
        hints += [f"{s.variable} begins or ends with a space" for s in declared if s.has_blanks]
        if options.source is not None or runs(source):
            missing += sum(is_missing(setting) for setting in declared)
        entries += _of_team(source, wrong)
    entries += _of_alerts(wrong)
    hints += misspelt_settings(sources.values())
    if problem := wrong_accepted(sources.values()):
        wrong.append(problem)
    document = {"settings": entries, "missing": missing, "hints": hints}
    broken = [str(broken.error) for broken in catalog.broken]
    show(options, {**document, "errors": [*broken, *wrong]}, _lines(entries, hints))
    status = _status(options, catalog, missing, wrong)
    said = [_missing_text(missing)] if status == _INCOMPLETE else []
    return _report([*broken, *wrong, *said], status)


def is_missing(setting: DeclaredSetting) -> bool:
    """Whether a run fails for the lack of a setting, or for a space around it."""
    return setting.has_blanks or not (setting.is_set or setting.optional)


def misspelt_settings(sources: Iterable[Source]) -> Iterator[str]:
    """The settings that are set and that nobody reads, each with the name that may be meant."""
    known = {*PROJECT_VARIABLES, *(v for source in sources for v in variables(source))}
    for name, near in misspelt(known).items():
        yield f"{name} is not read: did you mean {near}?"


def _status(
    options: argparse.Namespace, catalog: Catalog, missing: int, wrong: Sequence[str]
) -> int:
    if wrong or (catalog.broken and options.source is None):
        return _WRONG
    return _INCOMPLETE if missing else 0


def _report(problems: Iterable[str], status: int) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    return status


def _lines(entries: Iterable[_Entry], hints: Iterable[str]) -> Iterator[str]:
    for entry in entries:
        state = "MISSING" if entry["state"] == "missing" else entry["state"]
        value = f": {entry['value']}" if "value" in entry else ""
        origin = f" ({entry['from']})" if "from" in entry else ""
        yield f"{entry['variable']:<48} {state:<9} {entry['purpose']}{value}{origin}"
    yield from (f"hint: {hint}" for hint in hints)


def _of_api(source: Source, setting: DeclaredSetting) -> dict[str, str]:
    state = "set" if setting.is_set else "optional" if setting.optional else "missing"
    return {
        "source": source.name,
        "variable": setting.variable,
        "state": state,
        "purpose": setting.purpose,
    }


def _of_team(source: Source, wrong: list[str]) -> list[dict[str, str]]:
    """The settings of the team for a source; a wrong value goes to ``wrong``."""
    try:
        return [{"source": source.name, **entry} for entry in team_settings(source)]
    except CatalogError as e:
        wrong.append(str(e))
        return []


def _of_alerts(wrong: list[str]) -> list[dict[str, str]]:
    """The settings of alerts; a wrong one goes to ``wrong``."""
    try:
        found: Any = alert_settings()
    except WrongSetting as e:
        wrong.append(str(e))
        return []
    told = ", ".join(receiver.label for receiver in found.receivers) or "nobody"
    purposes = {
        URLS: ("who is told of failures", told),
        DAGSTER_URL: ("the UI that messages link to", str(found.dagster_url)),
        ALLOW_HTTP: ("whether messages may be sent without encryption", ""),
    }
    return [
        {
            "variable": variable,
            "state": "set" if is_set(variable) else "optional",
            "purpose": purpose,
            **({"value": value} if value else {}),
        }
        for variable, (purpose, value) in purposes.items()
    ]


def runs(source: Source) -> bool:
    """Whether a source is on. One that is off needs no settings."""
    try:
        return plan_of(source).is_enabled
    except CatalogError:  # the settings of the team have the message
        return False


def _missing_text(missing: int) -> str:
    verb = "is" if missing == 1 else "are"
    return (
        f"{counted(missing, 'setting')} {verb} missing, or begin or end with a space: the runs of these "
        "sources fail. Set each as an environment variable, or in .dlt/secrets.toml; switch off a source "
        "that you do not use (SOURCES__<SOURCE>__ENABLED=false)."
    )
