"""The reader of YAML files: YAML text -> plain data, and the line of every key.

In: the text of a catalog file. Out: ``(data, lines)``, where ``lines`` maps a path such as
``("resources", 3, "endpoint", "path")`` to its line. Only plain YAML is read: no tags that build
objects, no templates and no key twice. Dates stay text. The memory and time that a file can take
are bounded, also for a file whose aliases multiply its values.
"""

from __future__ import annotations

from typing import Any, NoReturn

import yaml

from analytics_sync.catalog.errors import CatalogError

Path = tuple[str | int, ...]
Lines = dict[Path, int]

# About a hundred times the text and the values of the largest file that ships.
MAX_TEXT = 1 << 20
MAX_VALUES = 100_000
MAX_DEPTH = 32
# The time to parse a number grows with the square of its digits. No key needs a longer number.
_MAX_NUMBER = 100
_TOO_MUCH = f"more than {MAX_VALUES:,} values or {MAX_TEXT:,} characters, aliases written out; that is no catalog file"

# libyaml where the wheel has it: a catalog of sixty resources parses ten times as fast
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PREFIX = "tag:yaml.org,2002:"
_PLAIN = {
    _PREFIX + kind for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")
}
_COLLECTIONS = {_PREFIX + "map": yaml.MappingNode, _PREFIX + "seq": yaml.SequenceNode}
# '<<' and '=' are read as plain keys, so that each is reported as an unknown key.
_KEYS = {_PREFIX + "merge", _PREFIX + "value", *_PLAIN}


def parse_yaml(text: str, file: str) -> tuple[dict[str, Any], Lines]:
    """Parse one document.

    Args:
        text: The file's content.
        file: The file's name, for messages.

    Returns:
        The data, and the line of each key.

    Raises:
        CatalogError: The text is not a YAML mapping, has a key twice, has a tag that is not plain
            data, or exceeds a limit.
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
    # Raise outside the except block: the parser's error may quote a secret of the file.
    raise problem


def line_of(lines: Lines, path: Path) -> int:
    """The line of a key, or of the nearest key above; 0 without one."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


def check_size(text: str, file: str) -> None:
    """Refuse a text that is longer than ``MAX_TEXT``.

    Raises:
        CatalogError: The text is longer.
    """
    if len(text) > MAX_TEXT:
        raise CatalogError(
            f"longer than {MAX_TEXT:,} characters; that is no catalog file", file=file
        )


def _parse(text: str, file: str) -> tuple[dict[str, Any], Lines]:
    # Check the depth before nodes are composed: libyaml recurses in C, and a deep file would
    # crash the process.
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
    raise CatalogError(
        f"nested deeper than {MAX_DEPTH} levels; that is no catalog file", file=file, line=line
    )


class _Reader:
    """Nodes -> data. The values are counted, because an alias may multiply them."""

    def __init__(self, loader: Any, file: str) -> None:
        self.loader = loader
        self.file = file
        self.lines: Lines = {}
        self.values = 0
        self.characters = 0

    def fail(self, message: str, node: yaml.Node) -> NoReturn:
        raise CatalogError(message, file=self.file, line=node.start_mark.line + 1)

    def count(self, node: yaml.Node) -> None:
        """Count a value.

        Raises:
            CatalogError: There are more values or characters than a file may have.
        """
        self.values += 1
        if isinstance(node, yaml.ScalarNode):
            self.characters += len(node.value)
        if self.values > MAX_VALUES or self.characters > MAX_TEXT:
            self.fail(_TOO_MUCH, node)

    def value(self, node: yaml.Node, path: Path, above: tuple[yaml.Node, ...]) -> Any:
        """The plain data of a node.

        Args:
            node: The node, or the node that an alias refers to.
            path: Keys from the root of the file.
            above: Nodes that contain this one.
        """
        self.lines.setdefault(path, node.start_mark.line + 1)
        self.count(node)
        if any(node is other for other in above):
            self.fail("this alias refers to a node that contains it; write the value out", node)
        if len(above) > MAX_DEPTH:
            _too_deep(self.file, node.start_mark.line + 1)
        above = (*above, node)
        if node.tag not in _PLAIN:
            self.fail(f"tag {node.tag!r} is not plain data; remove the tag", node)
        if _COLLECTIONS.get(node.tag, yaml.ScalarNode) is not type(node):
            self.fail(f"tag {node.tag!r} does not fit what it stands before; remove the tag", node)
        if isinstance(node, yaml.MappingNode):
            result: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = self.key(key_node)
                if key in result:
                    self.fail(f"key {key!r} is given twice; remove one of the two", key_node)
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
