"""The control API of the sandbox, below ``/_sandbox``.

In: a request below that path.
Out: the served sources, the rows that a table must hold, and the number of requests.
A POST makes the next revision, or switches trouble on; a DELETE switches it off. No key is needed, because the server listens on loopback only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Protocol

import orjson

from analytics_sync.catalog import Source
from analytics_sync.sandbox.data.ledger import Ledger
from analytics_sync.sandbox.messages import Query, Refused, ServedResponse
from analytics_sync.sandbox.options import Options
from analytics_sync.sandbox.trouble import Troubles

_DESCRIPTION = (
    "A stand-in for the declared APIs, generated from their declarations alone, for trying, "
    "testing and writing catalog files. It is not a real API and holds no real data."
)


class Served(Protocol):
    """The part of a sandbox that this module uses."""

    sources: Mapping[str, Source]
    options: Options
    counts: Counter[str]
    troubles: Troubles

    def base_url(self, source: str) -> str: ...
    def ledger(self, source: str) -> Ledger: ...
    def advance(self, steps: int = 1) -> None: ...


def respond(sandbox: Served, method: str, path: str, query: Query) -> ServedResponse:
    """The response to a control request.

    Raises:
        Refused: 404 for an unknown path, source or resource. 422 for a bound that is no
            date, and for seconds that do not fit.
    """
    match method, path.rstrip("/").split("/")[2:]:
        case "GET", []:
            return _json(_overview(sandbox))
        case "GET", ["ledger", source, resource]:
            _check_known(sandbox, source, resource)
            bounds = (_bound(query, "start"), _bound(query, "end"))
            return _json(sandbox.ledger(source).expected(resource, *bounds))
        case "GET", ["requests"]:
            return _json({"total": sandbox.counts.total(), "resources": dict(sandbox.counts)})
        case "GET", ["trouble"]:
            return _json(sandbox.troubles.listed())
        case "POST", ["trouble", kind, *place]:
            seconds = query["seconds"][-1] if "seconds" in query else None
            return _json(sandbox.troubles.start(kind, "/".join(place), seconds))
        case "DELETE", ["trouble", *place]:
            return _json(sandbox.troubles.end("/".join(place)))
        case "POST", ["advance"]:
            sandbox.advance()
            return _json({name: sandbox.ledger(name).revision for name in sandbox.sources})
    raise Refused(404, f"{method} {path}: no such control")


def _overview(sandbox: Served) -> dict[str, Any]:
    options = sandbox.options
    return {
        "what": _DESCRIPTION,
        "seed": options.seed,
        "days": [str(options.start), str(options.end)],
        "sources": {
            name: {
                "base_url": sandbox.base_url(name),
                "revision": sandbox.ledger(name).revision,
                "records": {r: len(sandbox.ledger(name).records(r)) for r in source.resources},
            }
            for name, source in sandbox.sources.items()
        },
    }


def _check_known(sandbox: Served, source: str, resource: str) -> None:
    if source not in sandbox.sources:
        raise Refused(404, f"no source {source!r}; known: {[*sandbox.sources]}")
    if resource not in sandbox.sources[source].resources:
        raise Refused(
            404, f"no resource {resource!r}; known: {[*sandbox.sources[source].resources]}"
        )


def _bound(query: Query, name: str) -> date | None:
    if name not in query:
        return None
    try:
        return datetime.fromisoformat(query[name][-1])
    except ValueError:
        raise Refused(422, f"{name}: expected an ISO date or datetime") from None


def _json(value: Any) -> ServedResponse:
    return ServedResponse(200, orjson.dumps(value))
