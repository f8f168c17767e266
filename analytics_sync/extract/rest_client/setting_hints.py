"""Hints about settings: misspelt names, and blanks around a value.

In: the environment and dlt's files of settings. Out: the names that are set and that nobody reads, if they
are close to a name that somebody reads. Values are never part of a hint.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

import dlt

_SECTIONS = ("sources", "analytics_sync")
_SEPARATOR = "__"
_MIN_LIKENESS = 0.75  # of a part of a name: API_KEY and API_KYE have 0.86, SHOP and SHOPIFY 0.73


class _SetName(NamedTuple):
    """A setting that is set.

    Attributes:
        parts: The parts of its name, in small letters.
        spelling: The name as it is spelled, with the file if it is in one.
        is_read: Whether dlt finds the name under its parts.
    """

    parts: tuple[str, ...]
    spelling: str
    is_read: bool


def misspelt(known: Iterable[str]) -> dict[str, str]:
    """The set names that nobody reads and that are close to a name that is not set.

    Args:
        known: The names that somebody reads, as environment variables.

    Returns:
        The set name as it is spelled -> the name that is close to it.
    """
    by_parts = {_parts(name.lower().split(_SEPARATOR)): name for name in known}
    names = [*_in_environment(), *_in_files()]
    read = {name.parts for name in names if name.is_read and name.parts in by_parts}
    unset = {parts: name for parts, name in by_parts.items() if parts not in read}
    found: dict[str, str] = {}
    for name in names:
        if name.is_read and name.parts in read:
            continue
        likely = max(unset, key=lambda parts: _likeness(name.parts, parts), default=())
        if _likeness(name.parts, likely):
            found[name.spelling] = unset[likely]
    return found


def has_blanks_around(value: str) -> bool:
    """Whether a value begins or ends with a space or a tab, which nobody sees."""
    return value != value.strip()


def _in_environment() -> Iterator[_SetName]:
    for name in sorted(os.environ):
        parts = _parts(name.lower().split(_SEPARATOR))
        if _is_ours(parts):
            yield _SetName(parts, name, name == name.upper())


def _in_files() -> Iterator[_SetName]:
    for provider in dlt.config.config_providers:
        for location in provider.present_locations or ():
            path = Path(location)
            try:
                document = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):  # dlt has its own message
                continue
            for keys in _leaves(document, ()):
                parts = _parts([key.lower() for key in keys])
                if _is_ours(parts):
                    spelling = f"{'.'.join(keys)} in {path.name}"
                    yield _SetName(parts, spelling, not any(key != key.lower() for key in keys))


def _leaves(document: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key)


def _is_ours(parts: tuple[str, ...]) -> bool:
    """Whether the section of a name is one of ours, or nearly so."""
    return any(_likeness(parts[:1], (section,)) for section in _SECTIONS)


def _parts(names: Sequence[str]) -> tuple[str, ...]:
    """The section, the source and the key of a name; a key may hold the separator."""
    return (*names[:2], _SEPARATOR.join(names[2:])) if len(names) > 2 else tuple(names)


def _likeness(name: tuple[str, ...], other: tuple[str, ...]) -> float:
    """How like two names are, from 0 to 1: 0 if a part is another word."""
    if not name or len(name) != len(other):
        return 0.0
    like = 1.0
    for part, wanted in zip(name, other, strict=True):
        if part != wanted:
            ratio = SequenceMatcher(None, part, wanted).ratio()
            like *= ratio if ratio >= _MIN_LIKENESS else 0.0
        if not like:
            break
    return like
