"""Attributes and items of values: ``dlt.secrets["x"]``, ``os.environ["X"]``, ``config["resources"]``.

In: a value and a name or index. Out: the value there, or ``Code``.
"""

from __future__ import annotations

from typing import Any

from analytics_sync.catalog.from_python.methods import text_of
from analytics_sync.catalog.from_python.values import (
    OPAQUE,
    Class,
    Code,
    FoundSource,
    Known,
    Moment,
    Setting,
    Tuple,
    Value,
    certain,
)

_VAULTS = {"dlt.secrets": "secrets", "dlt.config": "config"}
ENVIRONMENT = frozenset({"os.environ", "environ"})


def vault_of(name: str) -> str | None:
    """``secrets`` or ``config`` for dlt's two objects, also under an imported name."""
    return _VAULTS.get(name) or _VAULTS.get(f"dlt.{name}" if "." not in name else "")


def variable_setting(variable: str, default: Any = None) -> Setting:
    """The setting for a variable of the environment.

    ``SOURCES__SHOP__API_KEY`` is dlt's own spelling of ``sources.shop.api_key``.
    """
    return Setting("any", variable.lower().replace("__", "."), default)


def attribute_of(base: Value, name: str, line: int) -> Value:
    """``base.name``."""
    data = base.data
    if isinstance(data, Known):
        return Value(Known(f"{data.name}.{name}"), line)
    if isinstance(data, Setting):
        return Value(Setting(data.vault, f"{data.key}.{name}"), line)
    if isinstance(data, Class):
        found = data.scope.names.get(name)
        return found or Value(Code("an attribute that only a run could tell", line), line)
    if isinstance(data, FoundSource):
        return base
    if isinstance(data, Moment) and name in {"int_timestamp", "float_timestamp"}:
        return Value(Moment(data.fixed, "epoch_s"), line)
    if isinstance(data, Code):
        return base
    if name == "value" and not isinstance(data, (OPAQUE, tuple, dict, list)):  # of an enumeration
        return base
    return Value(Code("an attribute that only a run could tell", line), line)


def item_of(base: Value, index: Value | slice, line: int) -> Value:
    """``base[index]``."""
    data = base.data
    if isinstance(data, Code | FoundSource):
        return base
    data = text_of(data)
    if isinstance(data, list) and not certain(data):
        return Value(Code("an item of a list whose length only a run could tell", line), line)
    if isinstance(index, slice):
        if isinstance(data, str | list) and index.step != 0:
            items: Any = data[index]
            return Value(Tuple(items) if isinstance(data, Tuple) else items, line)
        return Value(Code("a slice that only a run could tell", line), line)
    key = index.data
    if isinstance(data, Known) and isinstance(key, str):
        if vault := vault_of(data.name):
            return Value(
                Setting("secrets" if vault == "secrets" else "config", key, sure=True), line
            )
        if data.name in ENVIRONMENT:
            return Value(variable_setting(key), line)
    if isinstance(data, Setting) and isinstance(key, str):
        return Value(Setting(data.vault, f"{data.key}.{key}", sure=data.sure), line)
    if isinstance(data, Class) and isinstance(key, str):
        return attribute_of(base, key, line)
    if isinstance(data, dict | list | str) and isinstance(key, str | int):
        try:
            found = data[key]  # type: ignore[index]
        except (LookupError, TypeError):
            return Value(Code("an item that is not there", line), line)
        return found if isinstance(found, Value) else Value(found, line)
    if isinstance(key, Code):
        return Value(key, line)
    return Value(Code("an item that only a run could tell", line), line)
