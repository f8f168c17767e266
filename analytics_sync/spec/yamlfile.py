"""YAML text -> plain data, with the line of every key kept.

In: the text of a catalog file. Out: ``(data, lines)``, where ``lines`` maps a path such as
``("resources", 3, "endpoint", "path")`` to its line. Only plain YAML is read: no tags that build
objects, no key twice, and dates stay the text they are.
"""

from __future__ import annotations

from typing import Any

import yaml

from analytics_sync.spec.errors import CatalogError

Path = tuple[str | int, ...]
Lines = dict[Path, int]

# libyaml where the wheel has it: a catalog of sixty resources parses ten times as fast
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = {"map", "seq", "str", "int", "float", "bool", "null", "timestamp"}


def parse_yaml(text: str, file: str) -> tuple[dict[str, Any], Lines]:
    """Parse one document.

    Args:
        text: The file's content.
        file: Its name, for messages.

    Raises:
        CatalogError: Not YAML, not a mapping, a key given twice, or a tag that is not plain data.
    """
    lines: Lines = {}
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise CatalogError(
                "expected a mapping with 'source' and 'resources'", file=file, line=1
            )
        data = _value(loader, node, (), lines, file)
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        line = mark.line + 1 if mark else 0
        raise CatalogError(f"not valid YAML: {e.problem or e}", file=file, line=line) from e
    except yaml.YAMLError as e:
        raise CatalogError(f"not valid YAML: {e}", file=file) from e
    finally:
        loader.dispose()
    return data, lines


def _value(
    loader: Any,
    node: yaml.Node,
    path: Path,
    lines: Lines,
    file: str,
    above: tuple[yaml.Node, ...] = (),
) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if any(node is other for other in above):
        raise CatalogError("an alias refers to what holds itself", file=file, line=line)
    above = (*above, node)
    kind = node.tag.rsplit(":", 1)[-1]
    if kind not in _PLAIN:
        raise CatalogError(f"tag {node.tag!r} is not plain data", file=file, line=line)
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            key_line = key_node.start_mark.line + 1
            if key in result:
                raise CatalogError(f"key {key!r} is given twice", file=file, line=key_line)
            lines[(*path, key)] = key_line
            result[key] = _value(loader, value_node, (*path, key), lines, file, above)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, n, (*path, i), lines, file, above) for i, n in enumerate(node.value)]
    if kind == "timestamp":
        return node.value
    try:
        return loader.construct_object(node)
    except ValueError as e:
        raise CatalogError(f"not valid YAML: {e}", file=file, line=line) from e
