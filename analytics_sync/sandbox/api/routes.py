"""The path of a request -> the resource it asks for.

In: the path templates of a source. Out: the resource and the values of its placeholders. Values are
decoded after the path has been taken apart, so that an encoded slash stays inside its value.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from analytics_sync.catalog import Resource, Source

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class Routes:
    """The paths of one source."""

    def __init__(self, source: Source) -> None:
        compiled = [(_weight(r), re.compile(_pattern(r)), r) for r in source.resources.values()]
        # the most literal template first: it is the one that is meant
        compiled.sort(key=lambda route: route[0], reverse=True)
        self._routes = [
            (pattern, _PLACEHOLDER.findall(resource.path), resource)
            for _, pattern, resource in compiled
        ]

    def match(self, path: str) -> tuple[Resource, dict[str, str]] | None:
        """The resource a path names, and the values in it.

        Args:
            path: Below the source's base URL, percent-encoded, without the query.
        """
        for pattern, names, resource in self._routes:
            if found := pattern.fullmatch(path):
                return resource, dict(zip(names, map(unquote, found.groups()), strict=True))
        return None


def _template(resource: Resource) -> str:
    return "/" + resource.path.lstrip("/")


def _weight(resource: Resource) -> tuple[int, int]:
    literal = _PLACEHOLDER.sub("", _template(resource))
    return len(literal.replace("/", "")), len(literal)


def _pattern(resource: Resource) -> str:
    pattern = ""
    for index, part in enumerate(_PLACEHOLDER.split(_template(resource))):
        if index % 2 == 0:
            pattern += re.escape(part)
        else:
            slash = getattr(resource.params.get(part), "allow_slash", False)
            pattern += "([^/]+(?:/[^/]+)*)" if slash else "([^/]+)"
    return pattern
