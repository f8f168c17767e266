"""YAML text -> plain data, with the line of every key kept.

In: the text of a catalog file. Out: ``(data, lines)``, where ``lines`` maps a path such as
``("resources", 3, "endpoint", "path")`` to its line. Only plain YAML is read: no tags that build
objects, no templates, no key twice, and dates stay the text they are. What a file can make of
memory and time is bounded, also through aliases.
"""

from __future__ import annotations

from typing import Any, NoReturn

import yaml

from analytics_sync.catalog.errors import CatalogError

Path = tuple[str | int, ...]
Lines = dict[Path, int]

# a hundred times what the largest file that ships has
MAX_TEXT = 1 << 20
MAX_VALUES = 100_000
MAX_DEPTH = 32
# longer numbers cost time that grows with their square, and mean nothing here
_MAX_NUMBER = 100
_TOO_MUCH = f"more than {MAX_VALUES:,} values or {MAX_TEXT:,} characters, aliases written out"

# libyaml where the wheel has it: a catalog of sixty resources parses ten times as fast
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PREFIX = "tag:yaml.org,2002:"
_PLAIN = {
    _PREFIX + kind for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")
}
_COLLECTIONS = {_PREFIX + "map": yaml.MappingNode, _PREFIX + "seq": yaml.SequenceNode}
# '<<' and '=' are keys like any other, and then unknown ones
_KEYS = {_PREFIX + "merge", _PREFIX + "value", *_PLAIN}


def parse_yaml(text: str, file: str) -> tuple[dict[str, Any], Lines]:
    """Parse one document.

    Args:
        text: The file's content.
        file: Its name, for messages.

    Raises:
        CatalogError: Not YAML, not a mapping, a key given twice, a tag that is not plain data, or
            more than a catalog file can need.
    """
    check_size(text, file)
    try:
        return _parse(text, file)
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        line = mark.line + 1 if mark else 0
        problem = CatalogError(f"not valid YAML: {e.problem or e.context}", file=file, line=line)
    except yaml.YAMLError as e:
        problem = CatalogError(f"not valid YAML: {e}", file=file)
    except UnicodeError:
        problem = CatalogError("not valid YAML: text that is no Unicode", file=file)
    # raised here and not there: what the parser says may quote the file, secrets and all
    raise problem


def check_size(text: str, file: str) -> None:
    """Refuse a file that is longer than any catalog file can need."""
    if len(text) > MAX_TEXT:
        raise CatalogError(
            f"longer than {MAX_TEXT:,} characters; that is no catalog file", file=file
        )


def _parse(text: str, file: str) -> tuple[dict[str, Any], Lines]:
    # before anything is composed: composing recurses in C, where too deep is a crash
    depth = nodes = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        nodes += isinstance(event, yaml.NodeEvent)
        if nodes > MAX_VALUES:
            raise CatalogError(_TOO_MUCH, file=file, line=line)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                _too_deep(file, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise CatalogError(
                "expected a mapping with 'source' and 'resources'", file=file, line=1
            )
        reader = _Reader(loader, file)
        return reader.value(node, (), ()), reader.lines
    finally:
        loader.dispose()


def _too_deep(file: str, line: int) -> NoReturn:
    raise CatalogError(f"nested deeper than {MAX_DEPTH} levels", file=file, line=line)


class _Reader:
    """Nodes -> data; counts what they become, since an alias may stand for much."""

    def __init__(self, loader: Any, file: str) -> None:
        self.loader = loader
        self.file = file
        self.lines: Lines = {}
        self.values = 0
        self.characters = 0

    def fail(self, message: str, node: yaml.Node) -> NoReturn:
        raise CatalogError(message, file=self.file, line=node.start_mark.line + 1)

    def count(self, node: yaml.Node) -> None:
        self.values += 1
        if isinstance(node, yaml.ScalarNode):
            self.characters += len(node.value)
        if self.values > MAX_VALUES or self.characters > MAX_TEXT:
            self.fail(_TOO_MUCH, node)

    def value(self, node: yaml.Node, path: Path, above: tuple[yaml.Node, ...]) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        self.count(node)
        if any(node is other for other in above):
            self.fail("an alias refers to what holds itself", node)
        if len(above) > MAX_DEPTH:
            _too_deep(self.file, node.start_mark.line + 1)
        above = (*above, node)
        if node.tag not in _PLAIN:
            self.fail(f"tag {node.tag!r} is not plain data", node)
        if _COLLECTIONS.get(node.tag, yaml.ScalarNode) is not type(node):
            self.fail(f"tag {node.tag!r} does not fit what it stands before", node)
        if isinstance(node, yaml.MappingNode):
            result: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = self.key(key_node)
                if key in result:
                    self.fail(f"key {key!r} is given twice", key_node)
                self.lines[(*path, key)] = key_node.start_mark.line + 1
                result[key] = self.value(value_node, (*path, key), above)
            return result
        if isinstance(node, yaml.SequenceNode):
            return [self.value(n, (*path, i), above) for i, n in enumerate(node.value)]
        return self.scalar(node)

    def key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag not in _KEYS:
            self.fail("expected plain text as a key", node)
        self.count(node)
        return str(node.value)

    def scalar(self, node: yaml.Node) -> Any:
        kind = node.tag.removeprefix(_PREFIX)
        if kind in {"str", "timestamp"}:
            return node.value
        if len(node.value) > _MAX_NUMBER:
            self.fail(f"a number of more than {_MAX_NUMBER} characters; text goes in quotes", node)
        try:
            return self.loader.construct_object(node)
        except (ValueError, LookupError):
            pass
        return self.fail(f"not valid YAML: expected a value of type {kind}", node)
