"""The subcommand ``analytics-sync settings``: the settings of each source, and which are set.

In: the configured catalog, the environment and dlt's files of settings. Out: an exit status, and a line for
each setting. Values are never printed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

from analytics_sync.catalog import CatalogError, Source, configured_files
from analytics_sync.catalog.configured import read_catalog
from analytics_sync.catalog.errors import WrongSetting
from analytics_sync.catalog.names import PROJECT_VARIABLES, variables
from analytics_sync.catalog.plan import plan_of
from analytics_sync.commands.sources import print_settings
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


def settings(options: argparse.Namespace) -> int:
    """Print the settings, and return whether runs have all that they need."""
    catalog = read_catalog(configured_files())
    for broken in catalog.broken:
        print(broken.error, file=sys.stderr)
    sources = catalog.sources
    if options.source is not None and options.source not in sources:
        print(f"no source {options.source!r}; known: {', '.join(sources)}", file=sys.stderr)
        return _WRONG
    chosen = [s for s in sources.values() if options.source in (None, s.name)]
    hints, missing, wrong = [], 0, 0
    for source in chosen:
        declared = declared_settings(source)
        for setting in declared:
            print(f"{setting.variable:<48} {_state(setting):<9} {setting.purpose}")
        hints += [f"{s.variable} begins or ends with a space" for s in declared if s.has_blanks]
        if options.source is not None or _runs(source):
            missing += sum(_is_missing(setting) for setting in declared)
        wrong += print_settings(source)
    wrong += _print_alerts()
    hints += _misspelt(sources.values())
    for hint in hints:
        print(f"hint: {hint}")
    if problem := wrong_accepted(sources.values()):
        print(problem, file=sys.stderr)
        wrong += 1
    if wrong or (catalog.broken and options.source is None):
        return _WRONG
    if missing:
        print(_missing_text(missing), file=sys.stderr)
    return _INCOMPLETE if missing else 0


def _print_alerts() -> bool:
    """Print the settings of alerts, and return whether one is wrong."""
    try:
        found = alert_settings()
    except WrongSetting as e:
        print(e, file=sys.stderr)
        return True
    told = ", ".join(receiver.label for receiver in found.receivers) or "nobody"
    purposes = {
        URLS: f"who is told of failures: {told}",
        DAGSTER_URL: f"the UI that messages link to: {found.dagster_url}",
        ALLOW_HTTP: "whether messages may be sent without encryption",
    }
    for variable, purpose in purposes.items():
        state = "set" if is_set(variable) else "optional"
        print(f"{variable:<48} {state:<9} {purpose}")
    return False


def _state(setting: DeclaredSetting) -> str:
    if setting.is_set:
        return "set"
    return "optional" if setting.optional else "MISSING"


def _is_missing(setting: DeclaredSetting) -> bool:
    """Whether a run fails for the lack of a setting, or for a space around it."""
    return setting.has_blanks or not (setting.is_set or setting.optional)


def _runs(source: Source) -> bool:
    """Whether a source is on. One that is off needs no settings."""
    try:
        return plan_of(source).is_enabled
    except CatalogError:  # print_settings has the message
        return False


def _misspelt(sources: Iterable[Source]) -> Iterator[str]:
    known = {*PROJECT_VARIABLES, *(v for source in sources for v in variables(source))}
    for name, near in misspelt(known).items():
        yield f"{name} is not read: did you mean {near}?"


def _missing_text(missing: int) -> str:
    verb = "is" if missing == 1 else "are"
    return (
        f"{counted(missing, 'setting')} {verb} missing, or begin or end with a space: the runs of these "
        "sources fail. Set each as an environment variable, or in .dlt/secrets.toml; switch off a source "
        "that you do not use (SOURCES__<SOURCE>__ENABLED=false)."
    )
