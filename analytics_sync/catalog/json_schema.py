"""The JSON Schema of a catalog file, for editors: which keys stand where, and what each one means.

In: the models of a catalog file, with the text below each key. Out: a JSON Schema. It refuses the keys that
the models refuse. Rules about several keys, and about the text of a value, are left to ``analytics-sync check``.

``SCHEMA_FILE`` holds the schema as it ships. The first line of a catalog file, ``MODELINE``, names a file of
this name beside it: such a line works on each machine, and without a network.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from analytics_sync.catalog.config.base_model import Model
from analytics_sync.catalog.config.client import BearerAuth
from analytics_sync.catalog.config.models import CatalogFile
from analytics_sync.catalog.config.team_keys import DerivedFile
from analytics_sync.catalog.errors import CatalogError

SCHEMA_FILE = Path(__file__).parent.parent / "sources" / "catalog.schema.json"
"""The schema that ships."""
MODELINE = f"# yaml-language-server: $schema={SCHEMA_FILE.name}\n"
"""The first line of a catalog file that an editor knows the keys of."""

_MARK = "A catalog file of analytics_sync. Renew it with: analytics-sync json-schema --out FILE"
_DIALECT = "http://json-schema.org/draft-07/schema#"  # the newest one that all editors know
_FOR_OTHERS = frozenset({"title", "discriminator"})


@cache
def schema_text() -> str:
    """The schema as the text of a file."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def write_schema_beside(file: Path) -> None:
    """Put the schema that ships beside a catalog file. A foreign file of this name stays.

    Raises:
        OSError: It cannot be written.
    """
    target = file.with_name(SCHEMA_FILE.name)
    text = SCHEMA_FILE.read_text(encoding="utf-8")
    if not target.exists() or (_is_ours(target) and target.read_text(encoding="utf-8") != text):
        target.write_text(text, encoding="utf-8")


def write_schema(file: Path) -> None:
    """Write the schema to a file. A foreign file stays.

    Raises:
        CatalogError: The file holds something else, or cannot be written.
    """
    if file.exists() and not _is_ours(file):
        problem = "holds something else than this schema; remove it, or name another file"
        raise CatalogError(problem, file=str(file))
    try:
        file.write_text(schema_text(), encoding="utf-8")
    except OSError as e:
        problem = f"cannot be written: {e.strerror}; name another file"
        raise CatalogError(problem, file=str(file)) from e


def _is_ours(file: Path) -> bool:
    """Whether a file holds a schema of this package, of any version."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and str(found.get("$comment", "")).startswith(
        _MARK.partition(".")[0]
    )


def json_schema() -> dict[str, Any]:
    """The schema of a file with an API of its own, and of a file with ``base``."""
    _, found = models_json_schema([(CatalogFile, "validation"), (DerivedFile, "validation")])
    models = {model.__name__: model for model in _models(Model)}
    definitions = {
        name: _described(_plain(definition), models[name])
        for name, definition in found["$defs"].items()
    }
    return {
        "$schema": _DIALECT,
        "$comment": _MARK,
        "type": "object",
        "if": {"required": ["base"]},
        "then": {"$ref": f"#/$defs/{DerivedFile.__name__}"},
        "else": {"$ref": f"#/$defs/{CatalogFile.__name__}"},
        "$defs": dict(sorted(definitions.items())),
    }


def _models(model: type[Model]) -> Iterator[type[Model]]:
    for child in model.__subclasses__():
        yield child
        yield from _models(child)


def _plain(schema: Any) -> Any:
    """A schema without what only other tools read, and without a default of null."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            plain[key] = {name: _plain(inner) for name, inner in value.items()}
        elif key == "description":
            plain[key] = _text(value)
        elif key not in _FOR_OTHERS and (key, value) != ("default", None):
            plain[key] = _plain(value)
    return plain


def _described(schema: dict[str, Any], model: type[Model]) -> dict[str, Any]:
    """The schema of a model: each key with its text, and ``type`` required where it tells models apart."""
    properties = schema.get("properties", {})
    texts = _texts_of_keys(model)
    for name, field in model.model_fields.items():
        if name in texts:
            properties[field.alias or name]["description"] = texts[name]
    # BearerAuth is also what a mapping with a token is; any other kind needs its name.
    if "const" in properties.get("type", {}) and model is not BearerAuth:
        schema["required"] = sorted({*schema.get("required", ()), "type"})
    return schema


def _texts_of_keys(model: type[Model]) -> dict[str, str]:
    """The text below each key of a model and of the models that it extends."""
    texts: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if cls is not Model and issubclass(cls, Model):
            body = _class_body(cls)
            for statement, below in pairwise(body):
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                    text = _string(below)
                    if text is not None:
                        texts[statement.target.id] = _text(inspect.cleandoc(text))
    return texts


def _class_body(cls: type) -> list[ast.stmt]:
    """The statements of a class, from its source."""
    (definition,) = ast.parse(inspect.getsource(cls)).body
    assert isinstance(definition, ast.ClassDef)
    return definition.body


def _string(statement: ast.stmt) -> str | None:
    """The text of a statement that is nothing but a text."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        value = statement.value.value
        return value if isinstance(value, str) else None
    return None


def _text(text: str) -> str:
    """A plain text for people: one line for each paragraph."""
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    return "\n\n".join(paragraphs).replace("``", "")
