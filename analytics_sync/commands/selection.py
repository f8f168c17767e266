"""Selections of assets on the command line: what ``run`` loads and ``plan`` plans.

In: a text: a source, ``SOURCE/RESOURCE``, several with commas between, or an asset selection of Dagster. Out:
the keys of the assets.
"""

from __future__ import annotations

import warnings
from typing import Any

from dagster import AssetKey, AssetSelection, BetaWarning
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph
from dagster_shared.error import DagsterError

from analytics_sync.commands.usage import WrongUsage


class WrongSelection(WrongUsage):
    """The command line asks for something that one run cannot do."""


def selected(text: str, graph: BaseAssetGraph[Any]) -> set[AssetKey]:
    """The assets of a selection. The name of a source selects all its assets.

    Raises:
        WrongSelection: It is no selection, or selects nothing.
    """
    sources = {key.path[0] for key in graph.get_all_asset_keys() if len(key.path) > 1}
    parts = [part.strip() for part in text.split(",") if part.strip()]
    known = f"Sources: {', '.join(sorted(sources))}; an asset is SOURCE/RESOURCE, * is all of them."
    try:
        keys = AssetSelection.groups(*(part for part in parts if part in sources)).resolve(graph)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BetaWarning)  # Dagster's own use of its parser
            if others := [part for part in parts if part not in sources]:
                keys = keys | AssetSelection.from_coercible(others).resolve(graph)
    except DagsterError as e:
        problem = str(e).partition("\n")[0]
        raise WrongSelection(f"{text!r} selects no assets: {problem} {known}") from e
    if not keys:
        raise WrongSelection(f"{text!r} selects no assets. {known}")
    return set(keys)
