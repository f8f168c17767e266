"""What the page of an asset shows of a source or resource: its owners, tags, cadence and documentation.

In: keys of a catalog file, or texts of settings. Out: ``PageKeys``, checked by the rules of Dagster, so that
a wrong value is an error of the file and not of the definitions. All keys are ours. None changes a row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

from analytics_sync.catalog.config.base_model import Model
from analytics_sync.catalog.config.param_format import duration_of

_TEAM = re.compile(r"team:[A-Za-z0-9_.-]+")
# Dagster accepts no other address, such as one with a longer end
_EMAIL = re.compile(r"\w[A-Za-z0-9._%+-]*@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}", re.ASCII)
_TAG_KEY = re.compile(r"([A-Za-z0-9_.-]{1,63}/)?[A-Za-z0-9_.-]{1,63}")
_TAG_VALUE = re.compile(r"[A-Za-z0-9_.-]{0,63}")
_RESERVED = "dagster/"
_CADENCES = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=31),
}


def _owners(value: Any) -> Any:
    """Texts; one text may hold several, with commas between them."""
    owners = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(owners, list | tuple) or not owners:
        raise ValueError(f"expected a list of owners, found {value!r}")
    for owner in owners:
        if not (isinstance(owner, str) and (_TEAM.fullmatch(owner) or _EMAIL.fullmatch(owner))):
            raise ValueError(
                f"expected an email address, or a team such as team:data, found {owner!r}"
            )
    return tuple(owners)


def _tags(value: Any) -> Any:
    """A mapping; one text may hold several tags, as ``key=value`` with commas between them."""
    if isinstance(value, str):
        pairs = [part.strip().partition("=") for part in value.split(",")]
        value = {key.strip(): text.strip() for key, _, text in pairs}
    if not isinstance(value, Mapping):
        raise ValueError(f"expected a mapping of tags, found {value!r}")  # noqa: TRY004
    tags: dict[str, str] = {}
    for key, item in value.items():
        text = "" if item is None else str(item).lower() if isinstance(item, bool) else str(item)
        if not _TAG_KEY.fullmatch(key) or key.startswith(_RESERVED):
            raise ValueError(
                f"expected a key of letters, digits, '_', '-' and '.', at most 63 and not "
                f"{_RESERVED}, found {key!r}"
            )
        if isinstance(item, list | tuple | Mapping) or not _TAG_VALUE.fullmatch(text):
            raise ValueError(
                f"expected at most 63 letters, digits, '_', '-' and '.' for {key!r}, found {item!r}"
            )
        tags[key] = text
    return tags


def _cadence(value: str) -> str:
    if value not in _CADENCES:
        try:
            duration_of(value)
        except ValueError:
            raise ValueError(
                f"expected {', '.join(_CADENCES)}, or a duration such as PT6H, found {value!r}"
            ) from None
    return value


def _address(value: str) -> str:
    """An address of a page, without a user: Dagster shows it as a link."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.username is None
    except ValueError:
        good = False
    if not good or re.search(r"\s", value):
        raise ValueError(f"expected an address such as https://docs.example.com, found {value!r}")
    return value


class PageKeys(Model):
    """Keys of a source, and of a resource that differs from it."""

    owners: Annotated[
        tuple[str, ...] | None, BeforeValidator(_owners, json_schema_input_type=str | list[str])
    ] = None
    """Email addresses, and teams as team:name."""
    tags: Annotated[
        dict[str, str] | None,
        BeforeValidator(
            _tags, json_schema_input_type=str | dict[str, str | bool | int | float | None]
        ),
    ] = None
    """Texts by key. Those of a resource are added to those of its source."""
    cadence: Annotated[str, AfterValidator(_cadence)] | None = None
    """How often the API has new data: hourly, daily, weekly, monthly, or a duration such as PT6H."""
    docs_url: Annotated[str, AfterValidator(_address)] | None = None
    """The page of the API's documentation."""


PAGE_KEYS = tuple(PageKeys.model_fields)
"""The names of the keys."""

NO_PAGE_KEYS = PageKeys()
"""No key is set."""


def cadence_of(keys: PageKeys) -> timedelta | None:
    """How often the API has new data, at least; None if nobody says."""
    if keys.cadence is None:
        return None
    return _CADENCES.get(keys.cadence) or duration_of(keys.cadence)


def page_keys(model: PageKeys) -> PageKeys:
    """Only the keys of this kind, of a model that has more."""
    found = {key: value for key in PAGE_KEYS if (value := getattr(model, key)) is not None}
    return PageKeys.model_construct(None, **found) if found else NO_PAGE_KEYS


def joined(own: PageKeys, others: PageKeys) -> PageKeys:
    """The keys of a resource over those of its source. The tags of both count."""
    found: dict[str, Any] = {}
    for key in PAGE_KEYS:
        value = getattr(own, key)
        found[key] = getattr(others, key) if value is None else value
    if own.tags and others.tags:
        found["tags"] = {**others.tags, **own.tags}
    return PageKeys.model_construct(None, **found)
