"""The routes of a source: path of a request -> resource.

In: the path templates of a source.
Out: the resource and the values of its placeholders.
Values are decoded after the path is split, so that an encoded slash stays inside its value.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.config.params import PLACEHOLDER


class Routes:
    """The routes of one source."""

    def __init__(self, source: Source) -> None:
        compiled = [(_weight(r), re.compile(_pattern(r)), r) for r in source.resources.values()]
        # Try the template with the most literal characters first: it is the most specific one.
        compiled.sort(key=lambda route: route[0], reverse=True)
        self._routes = [
            (pattern, PLACEHOLDER.findall(resource.path), resource)
            for _, pattern, resource in compiled
        ]

    def match(self, path: str) -> tuple[Resource, dict[str, str]] | None:
        """The resource of a path and the values of its placeholders; None if there is no such path.

        Args:
            path: Path below the source's base URL, percent-encoded, without the query.
        """
        for pattern, names, resource in self._routes:
            if match := pattern.fullmatch(path):
                return resource, dict(zip(names, map(unquote, match.groups()), strict=True))
        return None


def _template(resource: Resource) -> str:
    return "/" + resource.path.lstrip("/")


def _weight(resource: Resource) -> tuple[int, int]:
    literal = PLACEHOLDER.sub("", _template(resource))
    return len(literal.replace("/", "")), len(literal)


def _pattern(resource: Resource) -> str:
    pattern = ""
    for index, part in enumerate(PLACEHOLDER.split(_template(resource))):
        if index % 2 == 0:
            pattern += re.escape(part)
        else:
            slash = getattr(resource.params.get(part), "allow_slash", False)
            pattern += "([^/]+(?:/[^/]+)*)" if slash else "([^/]+)"
    return pattern
