"""The problems of a converted source, all at once: to-dos, and what the catalog refuses.

In: a draft and its name. Out: errors with lines of the Python file, in their order. The catalog names its
first mistake; the part with the mistake is left out then, and the rest is built again.
"""

from __future__ import annotations

import copy
from typing import Any

from analytics_sync.catalog import CatalogError
from analytics_sync.catalog.building.build import build
from analytics_sync.catalog.building.secret_patterns import looks_secret
from analytics_sync.catalog.building.secret_scan import check_secrets, secret_paths
from analytics_sync.catalog.files.yaml_config import Lines, Path, line_of
from analytics_sync.catalog.from_python.draft import TODO, Draft

# Without one of these keys the rest of a resource has mistakes that the file does not have.
_NEEDED = frozenset(
    {"name", "path", "endpoint", "primary_key", "incremental", "cursor_path", "base_url"}
)
# Without one key of these, the others of it have mistakes that the file does not have.
_WHOLE = frozenset({"auth", "paginator", "columns", "processing_steps", "response_actions"})
_MOST = 200


def problems_of(draft: Draft, name: str, file: str) -> list[CatalogError]:
    """All problems of a source, in the order of the file."""
    problems = [
        CatalogError(p.message, file=file, line=p.line, resource=p.resource, key=p.key)
        for p in draft.problems
    ]
    problems += _without_secrets(draft, name, file)
    rest = _Rest(draft)
    if all(rest.leave_out(problem) for problem in problems):
        problems += rest.mistakes(name, file)
    return sorted(problems, key=lambda problem: problem.line)


def _without_secrets(draft: Draft, name: str, file: str) -> list[CatalogError]:
    """Take the secrets out of a draft: a catalog file holds none. Gives a problem for each."""
    problems: list[CatalogError] = []
    todo = f"{TODO} line"
    while len(problems) < _MOST:
        paths = [
            p for p in secret_paths(draft.data) if not str(_at(draft.data, p)).startswith(todo)
        ]
        if not paths:
            return problems
        path = paths[0]
        rest = _only(draft.data, path)
        try:
            check_secrets(rest, draft.lines, source=name, file=file)
        except CatalogError as e:
            problems.append(e)
        holder = _at(draft.data, path[:-1])
        line = line_of(draft.lines, path)
        if looks_secret(str(path[-1])):
            del holder[path[-1]]
        else:
            holder[path[-1]] = f"{todo} {line}"
    raise CatalogError("holds more secrets than a configuration has", file=file)


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _only(data: Any, path: Path) -> Any:
    """A copy of the data that has, of all values, only the one at ``path``, and all names."""
    if not path:
        return data
    if isinstance(data, list):
        return [_only(v, path[1:]) if i == path[0] else _name_of(v) for i, v in enumerate(data)]
    return {**_name_of(data), path[0]: _only(data[path[0]], path[1:])}


def _name_of(value: Any) -> Any:
    return {"name": value["name"]} if isinstance(value, dict) and "name" in value else {}


class _Rest:
    """The part of a draft without a known mistake."""

    def __init__(self, draft: Draft) -> None:
        self.data: dict[str, Any] = copy.deepcopy(draft.data)
        self.draft_lines = draft.lines
        resources = self.data.get("resources")
        self.listed = bool(resources)
        self.numbers = list(range(len(resources))) if isinstance(resources, list) else []
        self.left_out: set[tuple[str, str]] = set()

    def mistakes(self, name: str, file: str) -> list[CatalogError]:
        """What the catalog refuses, one mistake after the other."""
        found: list[CatalogError] = []
        while len(found) < _MOST:
            try:
                build(self.data, self._lines(), name=name, file=file)
            except CatalogError as e:
                if not (self.listed and e.key.endswith("resources")):  # all of them are left out
                    found.append(e)
                if e.key.endswith("resources"):
                    break
                if not self.leave_out(e):
                    break
            else:
                break
        return found

    def _lines(self) -> Lines:
        """The lines of what is left: resources have other numbers now."""
        new = {old: i for i, old in enumerate(self.numbers)}
        lines: Lines = {}
        for path, line in self.draft_lines.items():
            if path[:1] != ("resources",) or len(path) == 1:
                lines[path] = line
            elif path[1] in new:
                lines["resources", new[path[1]], *path[2:]] = line
        return lines

    def leave_out(self, problem: CatalogError) -> bool:
        """Leave the part with this mistake out; False if it cannot be found."""
        keys = problem.key.split(".") if problem.key else []
        whole = next((i for i, key in enumerate(keys) if key in _WHOLE), len(keys))
        keys = keys[: whole + 1]
        known = (problem.resource, problem.key) in self.left_out
        self.left_out.add((problem.resource, problem.key))
        if keys[:1] == ["resources"] and keys[1:] and keys[1].isdigit():
            number = int(keys[1])
            if number in self.numbers:
                self._without(self.numbers.index(number), "")
            return True
        if not problem.resource:
            return not known and _remove(self.data, keys)
        index = next(
            (
                i
                for i, r in enumerate(self.data.get("resources", []))
                if _is_named(r, self.numbers[i], problem.resource)
            ),
            None,
        )
        if index is None:  # it was left out for another mistake
            return not known
        if (
            not known
            and keys
            and keys[-1] not in _NEEDED
            and _remove(self.data["resources"][index], keys)
        ):
            return True
        self._without(index, problem.resource)
        return True

    def _without(self, index: int, name: str) -> None:
        """Leave a resource out, and those that read its records."""
        del self.data["resources"][index]
        del self.numbers[index]
        for i in reversed(range(len(self.numbers))):
            if i < len(self.numbers) and _reads(self.data["resources"][i], name):
                child = self.data["resources"][i]
                self._without(i, str(child.get("name", "")))


def _is_named(resource: Any, number: int, name: str) -> bool:
    own = resource.get("name", number) if isinstance(resource, dict) else resource
    return str(own) == name


def _reads(resource: Any, parent: str) -> bool:
    """Whether a resource takes values from a parent."""
    if isinstance(resource, dict):
        if resource.get("type") == "resolve" and resource.get("resource") == parent:
            return True
        return any(_reads(value, parent) for value in resource.values())
    if isinstance(resource, list):
        return any(_reads(value, parent) for value in resource)
    return isinstance(resource, str) and f"{{resources.{parent}." in resource


def _remove(data: Any, keys: list[str]) -> bool:
    """Remove the key that ``keys`` lead to; False if it is not there."""
    for key in keys[:-1]:
        data = data.get(key) if isinstance(data, dict) else None
    if not isinstance(data, dict) or not keys or keys[-1] not in data:
        return False
    del data[keys[-1]]
    return True
