"""The reader of Python configurations: dlt's ``rest_api`` in Python -> plain data, nothing is run.

In: Python source, or a document with a Python code block. Out: the dictionary that the source gives
to ``rest_api_source``. ``dlt.secrets["x"]`` and ``dlt.config["x"]`` stay references, in the
spelling of a catalog file.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.files.yaml_config import MAX_DEPTH, Lines, Path, check_size

_BLOCK = re.compile(r"^```python[ \t]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_MAX_BITS = 256
_FUNCTIONS = {"rest_api_source", "rest_api_resources"}


def parse_python(text: str, file: str) -> tuple[dict[str, Any], Lines]:
    """Read the first ``rest_api_source({...})`` call, or the first dictionary with ``resources``.

    Args:
        text: Python source, or prose with a fenced Python block.
        file: The file's name, for messages.

    Returns:
        The data, and the line of each key.

    Raises:
        CatalogError: The text holds no such call or dictionary, or a value is neither a literal nor
            a reference to a setting.
    """
    check_size(text, file)
    block = _BLOCK.search(text)
    offset = text[: block.start(1)].count("\n") if block else 0
    for node in ast.walk(_tree(block.group(1) if block else text, offset, file)):
        if isinstance(node, ast.Call) and _name(node.func) in _FUNCTIONS and node.args:
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
    raise CatalogError(
        "no rest_api_source({...}) call found; expected one, or a dictionary with 'resources'",
        file=file,
    )


def _tree(text: str, offset: int, file: str) -> ast.Module:
    """The syntax tree of ``text``, which begins ``offset`` lines below the top of the file."""
    try:
        return ast.parse(text)
    except SyntaxError as e:
        problem, line = f"not valid Python: {e.msg}", (e.lineno or 0) + offset
    except (ValueError, RecursionError, MemoryError):
        problem, line = "not valid Python: a null character, or nested too deep", 0
    # Raise outside the except block: Python's own error quotes the line, which may hold a secret.
    raise CatalogError(problem, file=file, line=line)


def _name(node: ast.expr) -> str:
    """The last name of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _value(node: ast.expr, path: Path, lines: Lines, offset: int, file: str) -> Any:
    """The value of a literal or reference. Its keys and their lines are added to ``lines``."""
    line = node.lineno + offset
    lines.setdefault(path, line)
    if len(path) > MAX_DEPTH:
        raise CatalogError(
            f"nested deeper than {MAX_DEPTH} levels; that is no configuration", file=file, line=line
        )
    if isinstance(node, ast.Dict):
        result: dict[str, Any] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            if not isinstance(key_node, ast.Constant):
                key_line = line if key_node is None else key_node.lineno + offset
                raise CatalogError("a key must be a plain string", file=file, line=key_line)
            key_line = key_node.lineno + offset
            key = str(_plain(key_node.value, key_line, file))
            lines[(*path, key)] = key_line
            result[key] = _value(value_node, (*path, key), lines, offset, file)
        return result
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(n, (*path, i), lines, offset, file) for i, n in enumerate(node.elts)]
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool | None):
        return _plain(node.value, line, file)
    match node:
        case ast.Subscript(
            value=ast.Attribute(value=ast.Name(id="dlt"), attr="secrets" | "config" as vault),
            slice=ast.Constant(value=str(key)),
        ):
            return f'dlt.{vault}["{key}"]'
    # Name the kind of code and do not quote it: the code may hold a secret.
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).lower()
    raise CatalogError(
        f"this is code ({kind}); expected a literal, dlt.secrets[...] or dlt.config[...]",
        file=file,
        line=line,
    )


def _plain(value: Any, line: int, file: str) -> Any:
    """The value of a constant, if a catalog file can hold it.

    Raises:
        CatalogError: A number of many digits, which Python does not write, or half a character.
    """
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise CatalogError(
            f"a number of more than {_MAX_BITS} bits; text goes in quotes", file=file, line=line
        )
    if isinstance(value, str) and not _is_unicode(value):
        raise CatalogError(
            "text with half a character (a surrogate); write the whole character",
            file=file,
            line=line,
        )
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
