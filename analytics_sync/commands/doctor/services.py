"""Diagnoses of what a run talks to: settings, APIs and their clocks, coordination, executor, alerts.

In: the configured catalog and settings. Out: diagnoses. Each API gets one request to its base URL, within its rate
limit; its status does not matter.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import Any

from analytics_sync.catalog import CatalogError, Source
from analytics_sync.catalog.config.client import ErrorHandler
from analytics_sync.catalog.configured import configured_catalog
from analytics_sync.catalog.errors import WrongSetting
from analytics_sync.catalog.plan import plan_of
from analytics_sync.commands.doctor.diagnosis import Diagnosis, failed, ok, warning
from analytics_sync.commands.settings import is_missing, misspelt_settings, runs
from analytics_sync.common.errors import ConnectionFailed, ExtractError, MissingSetting, Place
from analytics_sync.common.shown import counted
from analytics_sync.extract.coordination.address import CoordinationError, coordination_address
from analytics_sync.extract.coordination.servers import ping
from analytics_sync.extract.rest_client.call import Counters, Exchange
from analytics_sync.extract.rest_client.connections.deadline import Deadline
from analytics_sync.extract.rest_client.declared_settings import declared_settings
from analytics_sync.extract.rest_client.response import seconds_in_cache
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.extract.rest_client.settings import Settings

_MAX_SKEW = 30.0  # seconds: bounds of the present, and tokens, are off by as much
_MAX_SECONDS = 30.0  # of a request
_AT_A_TIME = 8
_CATALOG, _SETTINGS = "catalog", "settings"


def catalog() -> Iterator[Diagnosis]:
    """Whether all files load, and their settings are values."""
    found = configured_catalog()
    for broken in found.broken:
        yield failed(_CATALOG, str(broken.error))
    on = 0
    for source in found.sources.values():
        try:
            on += plan_of(source).is_enabled
        except CatalogError as e:
            yield failed(_CATALOG, str(e))
    yield ok(_CATALOG, f"{counted(len(found.sources), 'source')}, {on} on")


def settings() -> Iterator[Diagnosis]:
    """Whether all settings of the sources that are on are set, and none is misspelt."""
    sources = configured_catalog().sources
    complete = True
    for source in _enabled():
        missing = [s.variable for s in declared_settings(source) if is_missing(s)]
        if missing:
            complete = False
            named = ", ".join(missing)
            yield failed(
                _SETTINGS,
                f"{source.name}: {named}: missing, or with a space around it. Set it, or switch the "
                "source off.",
            )
    for hint in misspelt_settings(sources.values()):
        complete = False
        yield warning(_SETTINGS, hint)
    if complete:
        yield ok(_SETTINGS, "all required ones are set, none is misspelt")


def apis() -> Iterator[Diagnosis]:
    """Whether each API answers, and what its clock says."""
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        yield from (diagnosis for diagnosis in pool.map(_api, _enabled()) if diagnosis)


def coordination() -> Iterator[Diagnosis]:
    """Whether the server that machines share answers."""
    name = "coordination"
    try:
        address = coordination_address()
        if address is None:
            return
        ping(address)
    except CoordinationError as e:
        yield failed(name, str(e))
    else:
        yield ok(name, f"{address.shown} answers")


def executor() -> Iterator[Diagnosis]:
    """Whether the executor is complete, and its broker answers."""
    from analytics_sync.defs.executors import BROKER, configured_executor

    name = "executor"
    try:
        found = configured_executor()
    except WrongSetting as e:
        yield failed(name, str(e))
        return
    if found.name == "celery":
        yield _broker(os.environ[BROKER])
    else:
        yield ok(name, found.name)


def _broker(url: str) -> Diagnosis:
    kombu: Any = import_module("kombu")  # without types
    with kombu.Connection(url) as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=_MAX_SECONDS)
        except Exception as e:  # each transport has its own errors
            return failed("executor", f"the broker does not answer: {type(e).__name__}. Start it.")
        return ok("executor", f"celery, the broker {connection.as_uri()} answers")


def _enabled() -> Iterator[Source]:
    return filter(runs, configured_catalog().sources.values())


def _api(source: Source) -> Diagnosis | None:
    """Ask an API once; None if its settings are not complete: another diagnosis names them."""
    heard: list[Exchange] = []
    place = Place(source.name)
    try:
        session = Session(Settings(source), on_response=heard.append)
    except MissingSetting:
        return None
    try:
        session.get(
            session.base_url, {}, place=place, policy=ErrorHandler(max_retries=0),
            counters=Counters(), deadline=Deadline.after(_MAX_SECONDS),
        )  # fmt: skip
    except ConnectionFailed as e:
        return failed("api", str(e))
    except ExtractError as e:
        if not heard:  # no response: the error says why
            return failed("api", str(e))
    finally:
        session.close()
    return _clock(source, heard[0])


def _clock(source: Source, exchange: Exchange) -> Diagnosis:
    text = f"{source.name} answers (status {exchange.status})"
    try:
        there = parsedate_to_datetime(exchange.headers.get("date", ""))
    except ValueError:
        return ok("api", f"{text}; it does not tell its time")
    there = there if there.tzinfo else there.replace(tzinfo=UTC)
    here = datetime.fromtimestamp(exchange.received_at / 1_000_000, UTC)
    skew = (here - there).total_seconds() - seconds_in_cache(exchange.headers)
    if abs(skew) <= _MAX_SKEW:
        return ok("api", f"{text}; the clocks differ by less than {_MAX_SKEW:g} s")
    side = "ahead of" if skew > 0 else "behind"
    return failed(
        "clock",
        f"this machine is {abs(skew):,.0f} s {side} {source.name}: windows would end too early or too late. "
        "Set the clock, for example by NTP.",
    )
