"""Scores of proposals: each is compared with what is declared, and read as a run reads it.

In: the sandbox of the shipped catalog, and a resource. Out: what is proposed right, left open, or wrong.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote_plus

from analytics_sync.catalog import CatalogError, Resource, Source, load_text
from analytics_sync.catalog.files.yaml_config import parse_yaml
from analytics_sync.catalog.loader import BUILTIN
from analytics_sync.catalog.naming import column_at
from analytics_sync.common.errors import ExtractError, Place
from analytics_sync.common.json_path import compile_field
from analytics_sync.extract.dry_run import first_requests
from analytics_sync.extract.rest_client.record_selector import select
from analytics_sync.extract.run import ReadRun
from analytics_sync.infer.asking import Asker
from analytics_sync.infer.document import new_document
from analytics_sync.infer.proposing import propose
from analytics_sync.infer.sources import new_source
from analytics_sync_tests.support.scripted_api import rows_of
from analytics_sync_tests.support.world import World

RIGHT, OPEN, WRONG, ABSENT = "right", "open", "wrong", "-"


@dataclass
class Score:
    """The score of one resource.

    Attributes:
        selector: Whether the proposed selector gives the records that the declared one gives.
        key: Whether the primary key is the declared one.
        paginator: Whether a read with the proposed one gives all rows, if one is proposed.
        is_cursor_named: Whether a proposal or its comment names the declared cursor.
        cursor: Whether the cursor and the parameters of the window are the declared ones.
        columns: Of the declared fields that came, how many have a column; and how many came.
        types: Of these columns, how many have the declared type.
        requests: How many requests were sent.
        is_silent: Whether a read with the proposal lacks rows, and no check says so.
        problem: Why there is no proposal; empty if there is one.
        notes: What differs, for people.
    """

    name: str
    selector: str = ABSENT
    key: str = ABSENT
    paginator: str = ABSENT
    cursor: str = ABSENT
    columns: tuple[int, int] = (0, 0)
    types: int = 0
    requests: int = 0
    is_cursor_named: bool = False
    is_silent: bool = False
    problem: str = ""
    notes: str = ""


def addresses(world: World, source: Source) -> Iterator[tuple[Resource, str]]:
    """The address of each resource, without the parameters of its paginator and of its window."""
    for resource, shown in first_requests(source, None, list(source.resources)):
        url = shown.split(" with the headers")[0].removeprefix("GET ")
        path, _, query = url.partition("?")
        values = _values_of_parent(world, resource)
        if resource.parent is not None:
            below = resource.path.format_map(defaultdict(str, values))
            path = f"{world.sandbox.base_url(source.name)}{below}"
        own = ("offset_param", "limit_param", "page_param")
        paging = {getattr(resource.paginator, key, None) for key in own}
        names = paging | values.keys()
        pairs = [
            p for p in query.split("&") if p and unquote_plus(p.partition("=")[0]) not in names
        ]
        pairs += [f"{n}={v}" for n, v in values.items() if f"{{{n}}}" not in resource.path]
        if resource.incremental is not None and resource.incremental.step == "month":
            pairs.append(f"{resource.incremental.start_param}={world.start.replace(day=1)}")
        yield resource, f"{path}?{'&'.join(pairs)}".rstrip("?")


def _values_of_parent(world: World, resource: Resource) -> dict[str, str]:
    """The parameters of a child, with the values of one parent."""
    values: dict[str, str] = {}
    for name, resolved in resource.resolved.items():
        parent = world.sandbox.ledger(resource.source).expected(resolved.resource)[0]
        field = compile_field(resolved.field).keys
        value = str(parent.get(column_at(field), parent.get(".".join(field))))
        if resolved.match:
            found = re.search(resolved.match, value)
            assert found is not None
            value = found[1]
        values[name] = value
    return values


def score_of(world: World, resource: Resource, address: str) -> Score:
    """The score of one resource."""
    score = Score(str(resource))
    name = resource.name
    try:
        asked = new_source(address, resource.source, name, _client(resource.source))
        with Asker(asked.source, asked.resource, 60, lambda _: None) as asker:
            place = Place(resource.source, name)
            proposal = propose(asker, place, asked.target)[0]
            score.requests = asker.asked
            body = asker.first().body
    except (ExtractError, CatalogError) as e:
        score.problem = str(e)
        return score
    text = new_document(resource.source, asked.client, [proposal], "a test")
    proposed = load_text(text, name=resource.source, file="proposed.yaml").resources[name]
    _judge_key(score, resource, proposed)
    _judge_columns(score, resource, proposed)
    _judge_cursor(score, resource, proposed)
    named = "" if proposal.incremental is None else repr(proposal.incremental)
    if resource.incremental is not None:
        path = resource.incremental.cursor_path
        score.is_cursor_named = (
            f"cursor_path: {path}" in named or f"'cursor_path': {path!r}" in named
        )
    score.paginator = OPEN if proposal.paginator.value is None else RIGHT
    is_child = resource.parent is not None
    # the key that an API gives a record is judged with the primary key
    plain = [replace(r, key_field=None) for r in (resource, proposed)]
    declared, own = (select(body, r, place) for r in plain)
    same = declared == own
    score.selector = RIGHT if same else WRONG
    # all rows of one parent fit into a page
    rows = len(declared) if is_child else len(world.sandbox.ledger(resource.source).expected(name))
    _judge_rows(score, resource, text, rows)
    return score


def _client(source: str) -> dict[str, Any]:
    """How requests of a shipped source are authenticated."""
    file = BUILTIN / f"{source}.yaml"
    client = parse_yaml(file.read_text(), file.name)[0]["client"]
    return {key: client[key] for key in ("auth", "headers") if key in client}


def _judge_key(score: Score, resource: Resource, proposed: Resource) -> None:
    own = {field.name: {field.name, *field.alias_names} for field in resource.fields}
    declared = [k for k in resource.primary_key if k not in resource.inherited]
    if proposed.has_row_hash:
        score.key = OPEN
    elif len(declared) == len(proposed.primary_key) and all(
        key in own.get(name, {name})
        for name, key in zip(declared, proposed.primary_key, strict=True)
    ):
        score.key = RIGHT
    else:
        score.key = WRONG
        score.notes += f" key {proposed.primary_key} for {declared}"


def _judge_columns(score: Score, resource: Resource, proposed: Resource) -> None:
    own = {field.name: field for field in proposed.fields}
    found = total = right = 0
    for field in resource.fields:
        if field.name in resource.inherited:
            continue
        total += 1
        other = next((own[n] for n in (field.name, *field.alias_names) if n in own), None)
        if other is None:
            score.notes += f" -{field.name}"
            continue
        found += 1
        if other.data_type == field.data_type:
            right += 1
        else:
            score.notes += f" {field.name}:{other.data_type}/{field.data_type}"
    score.columns, score.types = (found, total), right


def _judge_cursor(score: Score, resource: Resource, proposed: Resource) -> None:
    declared, other = resource.incremental, proposed.incremental
    if declared is None:
        score.cursor = ABSENT if other is None else WRONG
    elif other is None:
        score.cursor = OPEN
    else:
        ours = (declared.cursor_path, declared.start_param, declared.end_param)
        theirs = (other.cursor_path, other.start_param, other.end_param)
        score.cursor = RIGHT if ours == theirs else WRONG
    if score.cursor == WRONG:
        score.notes += f" window {other}"


def _judge_rows(score: Score, resource: Resource, text: str, expected: int) -> None:
    """Read all rows with the proposal, and compare their number with the expected one."""
    source = load_text(text, name=resource.source, file="proposed.yaml")
    is_proposed = score.paginator != OPEN
    with ReadRun(source, None, [resource.name]) as run:
        if failures := run.failures():
            score.notes += f" read: {str(failures[resource.name])[:300]}"
            score.paginator = WRONG
            return
        result = run.result(resource.name)
        found = len(rows_of(result))
        complaints = result.findings.of("complete")
    if found != expected:
        score.notes += f" {found} rows of {expected}"
        score.is_silent = not complaints
        score.paginator = WRONG if is_proposed else OPEN
    elif is_proposed:
        score.paginator = RIGHT
    if complaints:
        score.notes += f" complete: {complaints[0][:150]}"
