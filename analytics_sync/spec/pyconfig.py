"""A dlt ``rest_api`` configuration written in Python -> plain data, without running it.

In: Python source, or a document that holds it in a code block. Out: the dictionary given to
``rest_api_source``, where ``dlt.secrets["x"]`` and ``dlt.config["x"]`` stay references, in the
spelling a catalog file uses.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from analytics_sync.spec.errors import CatalogError
from analytics_sync.spec.yamlfile import Lines, Path

_BLOCK = re.compile(r"^```python[ \t]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_CALLS = {"rest_api_source", "rest_api_resources"}


def parse_python(text: str, file: str) -> tuple[dict[str, Any], Lines]:
    """Read the first ``rest_api_source({...})`` call, or the first dictionary with ``resources``.

    Args:
        text: Python source, or prose with a fenced Python block.
        file: Its name, for messages.

    Raises:
        CatalogError: No such call, or a value that is not a literal or a settings reference.
    """
    block = _BLOCK.search(text)
    offset = text[: block.start(1)].count("\n") if block else 0
    try:
        tree = ast.parse(block.group(1) if block else text)
    except SyntaxError as e:
        raise CatalogError(
            f"not valid Python: {e.msg}", file=file, line=(e.lineno or 0) + offset
        ) from e
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in _CALLS and node.args:
            found: ast.expr = node.args[0]
        elif isinstance(node, ast.Dict) and any(
            isinstance(k, ast.Constant) and k.value == "resources" for k in node.keys
        ):
            found = node
        else:
            continue
        if isinstance(found, ast.Dict):
            lines: Lines = {}
            data = _value(found, (), lines, offset, file)
            return data, lines
    raise CatalogError("no rest_api_source({...}) call found", file=file)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _value(node: ast.expr, path: Path, lines: Lines, offset: int, file: str) -> Any:
    line = node.lineno + offset
    lines.setdefault(path, line)
    if isinstance(node, ast.Dict):
        result: dict[str, Any] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            if not isinstance(key_node, ast.Constant):
                at = line if key_node is None else key_node.lineno + offset
                raise CatalogError("a key must be a plain string", file=file, line=at)
            key = str(key_node.value)
            lines[(*path, key)] = key_node.lineno + offset
            result[key] = _value(value_node, (*path, key), lines, offset, file)
        return result
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(n, (*path, i), lines, offset, file) for i, n in enumerate(node.elts)]
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool | None):
        return node.value
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) in {"dlt.secrets", "dlt.config"}:
        return ast.unparse(node).replace("'", '"')
    raise CatalogError(
        f"{ast.unparse(node)!r} is code; expected a literal, dlt.secrets[...] or dlt.config[...]",
        file=file,
        line=line,
    )
