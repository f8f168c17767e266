"""Secrets in pages: what a page that repeats a secret needs beside its masked records.

In: a page, as it is and masked. Out: the next request, from the cursor or link as the API gave it; a finding
if a secret was a part of a primary key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from analytics_sync.extract.evidence.findings import PRIMARY_KEY_UNIQUE
from analytics_sync.extract.read_context import ReadContext
from analytics_sync.extract.rest_client.paginators.base_paginator import NextPage, Paginator
from analytics_sync.extract.rest_client.response import Response
from analytics_sync.extract.rest_client.session import Session


def advance(
    paginator: Paginator, session: Session, response: Response, elements: list[Any]
) -> NextPage:
    """The decision of a paginator about a page.

    A cursor or link may hold a secret: masked, it would lead elsewhere. The credentials that every request
    sends are removed from a link, so that the journal can keep it. The session adds them again.

    Args:
        paginator: The paginator of the series.
        session: Sends the requests.
        response: The page's response.
        elements: The page's records, masked.

    Raises:
        ExtractError: The pages do not advance.
    """
    next_page = paginator.advance(response.unmasked or response, elements)
    request = next_page.request
    if request is None or request.link is None:
        return next_page
    link = session.without_credentials(request.link)
    return replace(next_page, request=replace(request, link=link))


def judge_keys(
    context: ReadContext, masked: Sequence[Sequence[Any]], unmasked: Sequence[Sequence[Any]]
) -> None:
    """Record a finding if masking has changed a primary key: two records may become one row.

    Args:
        context: The context of the read.
        masked: The primary keys of the records of a page.
        unmasked: The same keys, as the API gave them.
    """
    # A filter of data_selector may select other records of a masked page.
    changed = sum(one != other for one, other in zip_longest(masked, unmasked))
    if changed:
        names = ", ".join(context.resource.primary_key)
        context.add_finding(
            PRIMARY_KEY_UNIQUE,
            f"The primary key [{names}] of resource {context.resource.name!r} holds a secret of this source "
            f"in {changed} records of a page. It is masked, so that records with different keys may become "
            "one row. Declare another primary_key.",
        )
