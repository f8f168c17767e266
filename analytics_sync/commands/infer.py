"""The subcommand ``analytics-sync infer``: an address, or a file of answers -> a proposal of a catalog file.

In: the command line, and the settings of the source. Out: an exit status, and YAML on standard output or in a file.
Each request is a line on standard error.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from analytics_sync.catalog import CatalogError, load_text
from analytics_sync.catalog.naming import variable_name
from analytics_sync.commands.infer_table import infer_table
from analytics_sync.commands.proposed_file import check_is_free, write_or_print
from analytics_sync.commands.usage import WrongUsage
from analytics_sync.common.errors import ExtractError, Place
from analytics_sync.common.shown import counted
from analytics_sync.infer.asking import Asker
from analytics_sync.infer.document import (
    extended_document,
    new_document,
    without_inherited_paginator,
)
from analytics_sync.infer.proposal import Proposal
from analytics_sync.infer.proposing import propose, propose_from_answers
from analytics_sync.infer.sources import Asked, answers_in, new_source, source_of_file
from analytics_sync.infer.target import ANY_ADDRESS, client_of, name_of

_ENVIRONMENT = "env:"
_NOT_IN_KEY = re.compile(r"[^a-z0-9]+")


def infer(options: argparse.Namespace) -> int:
    """Print or write a proposal.

    Returns:
        0, or 1 if the API cannot be read or shows no records.

    Raises:
        CatalogError: An address, a name or a file is wrong.
        WrongUsage: Options do not go together.
    """
    if options.table:
        return infer_table(options)
    check_is_free(options.out, options.base)
    try:
        text, proposals = _proposed(options)
    except ExtractError as e:
        print(e, file=sys.stderr)
        return 1
    load_text(text, name=_source_name(options), file="the proposal")
    write_or_print(text, options.out)
    _report(proposals)
    return 0


def _proposed(options: argparse.Namespace) -> tuple[str, Sequence[Proposal]]:
    """The text of the catalog file, and what it proposes."""
    address: str = options.address
    if not _is_address(address) and options.base is None:
        return _from_file(options)
    if options.base is not None:
        if any((options.bearer, options.basic, options.header, options.query)):
            raise WrongUsage(
                "a file with --base says how requests are authenticated: leave that out"
            )
        asked = source_of_file(address, options.base, options.resource)
    else:
        name = _source_name(options)
        asked = new_source(address, name, options.resource, _client(options, name))
    place = Place(asked.source.name, asked.resource.name)
    with Asker(asked.source, asked.resource, options.requests, _tell) as asker:
        proposals = propose(
            asker, place, asked.target, asked.cursor_params, options.child or (), options.selector
        )
        origin = f"{counted(asker.asked, 'request')} to {asked.target.path}"
    return _document(asked, options, proposals, origin), proposals


def _document(
    asked: Asked, options: argparse.Namespace, proposals: Sequence[Proposal], origin: str
) -> str:
    if asked.base:
        if asked.has_paginator:
            proposals = [without_inherited_paginator(proposal) for proposal in proposals]
        return extended_document(asked.base, options.base.name, proposals, origin)
    return new_document(asked.source.name, asked.client, proposals, origin)


def _from_file(options: argparse.Namespace) -> tuple[str, Sequence[Proposal]]:
    """The proposal from answers in a file. Nothing is sent."""
    file = Path(options.address)
    name = _source_name(options)
    bodies = list(answers_in(file))
    if not bodies:
        raise CatalogError("holds no answer", file=str(file))
    proposals = [propose_from_answers(bodies, Place(name, options.resource), options.selector)]
    client = {"base_url": ANY_ADDRESS, **_client(options, name)}
    origin = f"{counted(len(bodies), 'answer')} in {file.name}"
    return new_document(name, client, proposals, origin), proposals


def _is_address(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _source_name(options: argparse.Namespace) -> str:
    """The name of the source: the given one, that of the file, or that of the host."""
    for file in (options.base, options.out):
        if options.source is None and file is not None:
            return str(file.stem)
    return str(options.source or name_of(options.address))


def _client(options: argparse.Namespace, name: str) -> dict[str, object]:
    """The keys of the client. A secret of the environment becomes a setting of this process."""
    bearer, basic = options.bearer, options.basic
    if bearer is not None:
        bearer = _setting(name, bearer, "token")
    if basic is not None:
        user, _, key = basic.partition("=")
        basic = f"{user}={_setting(name, key, 'password')}" if key else basic
    headers = {n: _setting(name, k, _as_key(n)) for n, k in _pairs(options.header).items()}
    query = {n: _setting(name, k, _as_key(n)) for n, k in _pairs(options.query).items()}
    return client_of(bearer, basic, headers, query)


def _pairs(texts: Sequence[str] | None) -> Mapping[str, str]:
    pairs = {}
    for text in texts or ():
        name, equals, key = text.partition("=")
        if not (name and equals and key):
            raise WrongUsage(f"expected NAME=KEY with the name of a setting, found {name!r}")
        pairs[name] = key
    return pairs


def _setting(source: str, key: str, usual: str) -> str:
    """The name of a setting; the variable that ``env:VARIABLE`` names gives its value in this process."""
    if not key.startswith(_ENVIRONMENT):
        return key
    variable = key.removeprefix(_ENVIRONMENT)
    value = os.environ.get(variable)
    if not value:
        raise WrongUsage(f"the variable {variable} is not set")
    os.environ.setdefault(variable_name(source, usual), value)
    return usual


def _as_key(name: str) -> str:
    """A setting with the name of a header or parameter."""
    return _NOT_IN_KEY.sub("_", name.lower()).strip("_")


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _report(proposals: Sequence[Proposal]) -> None:
    """How far each choice is to be trusted, on standard error."""
    for proposal in proposals:
        choices = {
            "data_selector": proposal.selector,
            "paginator": proposal.paginator,
            "primary_key": proposal.key,
            "incremental": proposal.incremental,
        }
        for key, choice in choices.items():
            if choice is not None:
                _tell(f"{proposal.name}: {key}: {choice.certainty}")
