"""What the page of an asset shows beside its columns: description, owners, tags, links, and the API it reads.

In: the declaration and the plan of a source. Out: parts of an ``AssetSpec``, and the spec of the API itself:
an external asset, which Dagster shows and never runs. No secret is looked up, and nothing is requested.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dlt
from dagster import (
    AssetKey,
    AssetSpec,
    BetaWarning,
    CodeReferencesMetadataValue,
    LocalFileCodeReference,
    MetadataValue,
    UrlCodeReference,
)

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.building.deletes import unknown_orphans
from analytics_sync.catalog.config.page_keys import PageKeys, joined
from analytics_sync.catalog.config.team_keys import Level
from analytics_sync.catalog.errors import WrongSetting
from analytics_sync.catalog.naming import variable_name
from analytics_sync.defs.partitions.planned import Planned

_SETTING = "repository_url"
_REPOSITORY_URL = f"ANALYTICS_SYNC__{_SETTING.upper()}"
_WITHOUT_KEY = (
    "The records have no key: one row per record that differs in any field (`_row_hash`). Records that are equal "
    "in all fields are one row."
)
_MAX_TAG = 63  # characters of a tag's value that Dagster takes; a source may have one more
_EXAMPLE_HOST = re.compile(r"(^|\.)(example(\.(com|net|org))?|invalid|test)$")


def api_key(source: Source) -> AssetKey:
    """The key of the API that a source reads. It has one part, so no resource has the same."""
    return AssetKey([*(source.key_prefix or ()), f"{source.name}_api"])


def api_spec(planned: Planned, repository: str | None) -> AssetSpec:
    """The API of a source, as an external asset.

    Args:
        planned: The source with its plan.
        repository: What ``repository_url`` has found.
    """
    source, page = planned.source, planned.plan.page
    address = _address(source)
    variable = variable_name(source.name, "base_url")
    return AssetSpec(
        key=api_key(source),
        group_name=planned.asset_group,
        description=(
            f"{_sentence(source.description or f'The API of {source.name}')} This is the API itself, "
            f"which others run. The setting `{variable}` holds its address."
        ),
        kinds={"api"},
        owners=list(page.owners or ()),
        tags=tags(source, page),
        metadata={
            **links(page),
            **({"dagster/uri": address} if address else {}),
            **_references([_own_place(source)], repository),
            "resources": len(source.assets),
        },
    )


def page_of(planned: Planned, resource: Resource) -> PageKeys:
    """The keys of a resource, over those of its source."""
    return joined(resource.page, planned.plan.page)


def tags(source: Source, page: PageKeys) -> dict[str, str]:
    """The declared tags, the API, and the cadence."""
    cadence = {"cadence": page.cadence} if page.cadence else {}
    return {"api": source.levels[-1].name[:_MAX_TAG], **cadence, **(page.tags or {})}


def links(page: PageKeys) -> dict[str, Any]:
    """The link to the documentation, if there is one."""
    return {"docs": MetadataValue.url(page.docs_url)} if page.docs_url else {}


def description(source: Source, resource: Resource) -> str:
    """What a row is, which rows a partition holds, and what becomes of rows that are gone."""
    key = ", ".join(f"`{column}`" for column in resource.key)
    sentences = [f"One row per {key}." if key else "", _window(source, resource)]
    if resource.has_row_hash:
        sentences[0] = _WITHOUT_KEY
        if resource.parent is not None:
            sentences[0] += f" Equal records of two {resource.parent} are two rows."
        if resource.write_disposition == "merge" and not _marks_deleted(source, resource):
            sentences[0] += " A record that changes is a new row, and the old row stays."
    if resource.write_disposition == "replace":
        sentences.append("A run replaces the rows that it has read again.")
    elif _marks_deleted(source, resource):
        sentences.append(
            "A row that the API no longer lists stays, and `_deleted_at` says since when."
        )
    text = " ".join(sentence for sentence in sentences if sentence)
    return f"{_sentence(resource.description)}\n\n{text}" if resource.description else text


def _marks_deleted(source: Source, resource: Resource) -> bool:
    """Whether rows that the API no longer lists get a mark. The rows of some children name no parent."""
    if not resource.soft_deletes or resource.parent is None or not source.windowed(resource):
        return resource.soft_deletes
    return not resource.missing_parent_fields and unknown_orphans(source, resource) is None


def _window(source: Source, resource: Resource) -> str:
    owner = source.window_owner(resource)
    if owner is None or owner.cursor is None:
        return "Each run reads all rows."
    if owner is not resource:
        return f"A partition holds the rows of those {owner.name} whose `{owner.cursor.column}` lies in it."
    lookback = resource.incremental.lookback if resource.incremental else None
    length = str(lookback).removesuffix(", 0:00:00")
    again = f" The schedule reads the last {length} again." if lookback else ""
    return f"A partition holds the rows whose `{owner.cursor.column}` lies in it.{again}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def code_references(
    source: Source, resource: Resource, repository: str | None
) -> Mapping[str, Any]:
    """The lines of the catalog files that declare a resource, and its account if that has a place of its own.

    Args:
        source: The source.
        resource: One of its resources.
        repository: What ``repository_url`` has found.
    """
    api = source.levels[-1]
    places = [(api, source.api_lines.get(resource.name, api.line), f"resource {resource.name}")]
    if len(source.levels) > 1:
        places.append(_own_place(source))
    return _references(places, repository)


_Place = tuple[Level, int, str]


def _own_place(source: Source) -> _Place:
    level = source.levels[0]
    return level, level.line, f"source {source.name}"


def _references(places: list[_Place], repository: str | None) -> dict[str, Any]:
    with warnings.catch_warnings():
        # the version of Dagster is pinned, and a person can do nothing about it
        warnings.simplefilter("ignore", BetaWarning)
        found = list(_known(places, repository))
        return (
            {"dagster/code_references": CodeReferencesMetadataValue(code_references=found)}
            if found
            else {}
        )


def _known(
    places: list[_Place], repository: str | None
) -> Iterator[LocalFileCodeReference | UrlCodeReference]:
    for level, line, label in places:
        if not level.path:  # the text is in no file
            continue
        below = _below_the_working_directory(level.path) if repository else None
        if below is None:
            yield LocalFileCodeReference(file_path=level.path, line_number=line, label=label)
        else:
            yield UrlCodeReference(url=f"{repository}/{below}#L{line}", label=label)


def _below_the_working_directory(path: str) -> str | None:
    """The path from the working directory; None outside of it, and in a folder of installed packages."""
    try:
        below = Path(path).relative_to(Path.cwd().resolve())
    except ValueError:
        return None
    if any(part.startswith(".") or part == "site-packages" for part in below.parts):
        return None
    return below.as_posix()


def repository_url() -> str | None:
    """The address of the repository that holds the catalog files, at a branch; None if it is not set.

    Raises:
        WrongSetting: ``ANALYTICS_SYNC__REPOSITORY_URL`` is no such address.
    """
    text = dlt.config.get(f"analytics_sync.{_SETTING}", str)
    if text is None or not (text := str(text).strip()):
        return None
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.username is None
    except ValueError:
        good, parts = False, urlsplit("")
    if not good or parts.query or parts.fragment:
        raise WrongSetting(
            f"{_REPOSITORY_URL} is no address of a branch: expected one such as "
            "https://git.example.com/team/project/blob/main, without a user and a query"
        )
    return text.rstrip("/")


def _address(source: Source) -> str:
    """The address of the API as far as it is known without a run; empty if it is only an example."""
    for level in source.levels:
        text = dlt.config.get(f"sources.{level.name}.base_url", str) or level.keys.base_url
        if text and (address := _shown(str(text))):
            return address
    return _shown(source.client.base_url or "")


def _shown(address: str) -> str:
    """The address, if it is one that can be shown: no example, no secret, and no setting to be filled in."""
    if "{" in address:
        return ""
    try:
        parts = urlsplit(address.strip())
        host = parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not host or _EXAMPLE_HOST.search(host):
        return ""
    if parts.username is not None or parts.query or parts.fragment:
        return ""
    return parts.geturl()
