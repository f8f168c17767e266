"""The texts of a request: placeholders of a file -> parameters, and texts with slots for their values.

In: an endpoint, as the file has it. Out: ``RequestTexts``: the parameters of the request by name, the
window, and each text with placeholders as a ``Text``. A bound inside ``params`` becomes a key of
``incremental``. A value that is one placeholder becomes a parameter of its own kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from analytics_sync.catalog.building.initial_value import NoTime, format_of
from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.catalog.config.models import Endpoint
from analytics_sync.catalog.config.params import (
    NO_SETTING_NAME,
    PLACEHOLDER,
    REFERENCE,
    IncrementalParam,
    Param,
    ResolveParam,
    SettingParam,
)
from analytics_sync.catalog.config.texts import BraceError, Placeholder, Text, read_text
from analytics_sync.catalog.errors import Fail
from analytics_sync.catalog.naming import is_setting_name

_RESOURCE = re.compile(r"resources\.([^.{}]+)\.([^{}]+)")
_START = ("incremental.start_value", "incremental.last_value", "incremental.initial_value")
_END = "incremental.end_value"
_WHOLE_BOUNDS = {
    **dict.fromkeys((f"{{{name}}}" for name in _START), "start_param"),
    f"{{{_END}}}": "end_param",
}
_KNOWN = (
    "{resources.<parent>.<field>}, {incremental.start_value}, {incremental.end_value}, "
    '{dlt.secrets["key"]} or {dlt.config["key"]}'
)
# Parameters that a mapping declares, by the keys that tell it from data of the API.
_BINDINGS = {
    "incremental": {"cursor_path"},
    "resolve": {"resource", "field"},
    "config": {"key"},
    "secret": {"key"},
}
_NUMBERS = ("epoch_s", "epoch_ms")


class RequestTexts:
    """Reads the texts of one endpoint.

    Args:
        endpoint: The endpoint, defaults merged.
        path: Its path.
        fail: Raises ``CatalogError`` for this resource.

    Attributes:
        path: The path; its placeholders are names of parameters.
        params: The parameters by name, of the query, of the path and of the texts.
        hidden: Those that stand in a text only.
        query: The texts of the query with placeholders, by the name of their parameter.
        headers: The headers.
        json: The JSON of the body; None without one.
        data: The form of the body, or its text; None without one.
        incremental: The complete window; None for a snapshot.
        has_bounds: Whether a text holds a bound, so that there is no request without a window.

    Raises:
        CatalogError: A placeholder is not known, or a bound has no ``incremental``.
    """

    def __init__(self, endpoint: Endpoint, path: str, fail: Fail) -> None:
        self._fail = fail
        self._place: tuple[str, ...] = ()
        self.params: dict[str, Param] = {}
        self.query: dict[str, Any] = {}
        self.has_bounds = False
        self._hidden: set[str] = set()
        self._literals = set(endpoint.params)
        self.incremental = self._window(endpoint)
        for name, value in endpoint.params.items():
            self._place = ("endpoint", "params", name)
            self._read_param(name, value)
        self._place = ("endpoint", "path")
        self.path = self._read_path(path)
        self.headers = {n: self._header(n, v) for n, v in endpoint.headers.items()}
        self.json = self._read_at("json", endpoint.json_)
        self.data = self._read_at("data", endpoint.data)

    @property
    def hidden(self) -> frozenset[str]:
        """The parameters that stand in a text only."""
        return frozenset(self._hidden)

    def _window(self, endpoint: Endpoint) -> Incremental | None:
        """The window, with the parameters of the query that are its bounds."""
        incremental = endpoint.incremental
        place: tuple[str, ...] = ("endpoint", "incremental")
        for name, value in endpoint.params.items():
            if isinstance(value, IncrementalParam):
                keys = value.model_dump(exclude_unset=True, exclude={"type"})
                keys.setdefault("start_param", name)
                incremental, place = Incremental(**keys), ("endpoint", "params", name)
        for name, value in endpoint.params.items():
            key = _WHOLE_BOUNDS.get(value) if isinstance(value, str) else None
            if key is not None and incremental is None:
                self._no_window("endpoint", "params", name)
            if key is not None and incremental is not None and getattr(incremental, key) is None:
                incremental = incremental.model_copy(update={key: name})
        if incremental is not None and "param_format" not in incremental.model_fields_set:
            try:
                found = format_of(incremental.initial_value)
            except NoTime as e:
                self._fail(f"initial_value {e}", *place)
            if found is not None:
                incremental = incremental.model_copy(update={"param_format": found})
        return incremental

    def _read_param(self, name: str, value: Param) -> None:
        """Add a parameter of the query."""
        if isinstance(value, IncrementalParam):
            return
        if isinstance(value, tuple):
            read = [self._read(item) for item in value]
            if any(isinstance(item, Text) for item in read):
                self.query[name] = read
            else:
                self.params[name] = tuple(read)
            return
        if not isinstance(value, str):
            self.params[name] = value
            return
        window = self.incremental
        if value in _WHOLE_BOUNDS and window and getattr(window, _WHOLE_BOUNDS[value]) == name:
            return
        if reference := REFERENCE.match(value):
            self.params[name] = _setting(*reference.groups())
        elif found := re.fullmatch(rf"\{{{_RESOURCE.pattern}\}}", value):
            self.params[name] = ResolveParam(type="resolve", resource=found[1], field=found[2])
        elif isinstance(read_value := self._read(value), Text):
            self.query[name] = read_value
        else:
            self.params[name] = read_value

    def _read_path(self, path: str) -> str:
        """The path with plain placeholders."""

        def replace(found: re.Match[str]) -> str:
            name = found[1]
            if resource := _RESOURCE.fullmatch(name):
                param = ResolveParam(type="resolve", resource=resource[1], field=resource[2])
                name = f"{param.resource}_{param.field}".replace(".", "_")
                self._add(name, param)
            elif name.startswith(("resource.", "resources.", "incremental.", "dlt.")):
                slot = self._slot(name)
                name = slot.name
            elif name in self.query:
                self._fail(f"expected the text of {name!r} in the path itself", *self._place)
            elif name not in self.params and name not in self._bounds():
                if not is_setting_name(name):
                    self._fail(f"{{{name}}}: {NO_SETTING_NAME}", *self._place)
                self._add(name, SettingParam(type="config", key=name))
            return f"{{{name}}}"

        return PLACEHOLDER.sub(replace, path)

    def _bounds(self) -> set[str | None]:
        """The parameters that hold the bounds of the window."""
        window = self.incremental
        return {window.start_param, window.end_param} if window else set()

    def _header(self, name: str, value: object) -> Any:
        self._place = ("endpoint", "headers", name)
        if isinstance(value, SettingParam):
            self._hidden.add(hidden := f"headers.{name}")
            self.params[hidden] = value
            return Text((Placeholder(hidden),))
        if reference := REFERENCE.match(str(value)):
            value = f"{{{reference[0]}}}"
        return self._read(value)

    def _read_at(self, key: str, value: Any) -> Any:
        self._place = ("endpoint", key)
        return self._read(value)

    def _read(self, value: Any) -> Any:
        """A value with a ``Text`` in place of each text with placeholders, at any depth."""
        if isinstance(value, Mapping):
            kind = str(value.get("type"))
            if kind in _BINDINGS and _BINDINGS[kind] <= value.keys():
                self._fail(
                    f"type: {kind} binds a parameter of the query only; expected a text with {_KNOWN}",
                    *self._place,
                )
            return {self._key(name): self._read(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._read(item) for item in value]
        if not isinstance(value, str):
            return value
        if reference := REFERENCE.match(value):
            value = f"{{{reference[0]}}}"
        try:
            return read_text(value, self._slot)
        except BraceError as e:
            problem = str(e)
        return self._fail(f"{problem}; known placeholders: {_KNOWN}", *self._place)

    def _key(self, name: str) -> str:
        read = self._read(name)
        if isinstance(read, Text):
            self._fail("expected a name without placeholders", *self._place)
        return str(read)

    def _slot(self, name: str) -> Placeholder:
        """The slot of a placeholder; its parameter is added."""
        if name in _START or name == _END:
            return self._bound("end_param" if name == _END else "start_param", name)
        if found := _RESOURCE.fullmatch(name):
            param: Param = ResolveParam(type="resolve", resource=found[1], field=found[2])
            same = [n for n, p in self.params.items() if p == param]
            return Placeholder(same[0] if same else self._hide(name, param))
        if reference := REFERENCE.match(name):
            return Placeholder(
                self._hide(f"{reference[1]}.{reference[2]}", _setting(*reference.groups()))
            )
        if name in self._literals and self._place[1] == "path":
            return Placeholder(name)
        return self._fail(
            f"the placeholder {{{name}}} is not known; expected {_KNOWN}. A brace of the text is written "
            "twice: {{ and }}",
            *self._place,
        )

    def _bound(self, key: str, name: str) -> Placeholder:
        """The slot of a bound. It has a parameter of the query, or a hidden one."""
        window, self.has_bounds = self.incremental, True
        if window is None:
            self._no_window(*self._place)
        if getattr(window, key) is None:
            hidden = _END if key == "end_param" else _START[0]
            self._hidden.add(hidden)
            window = self.incremental = window.model_copy(update={key: hidden})
        if window.start_param == window.end_param:
            self._fail(
                f"{{{name}}} is no single value: start_param and end_param are one parameter",
                *self._place,
            )
        return Placeholder(getattr(window, key), is_number=window.param_format in _NUMBERS)

    def _no_window(self, *place: str) -> NoReturn:
        self._fail("expected endpoint.incremental beside this value", *place)

    def _hide(self, name: str, param: Param) -> str:
        self._hidden.add(name)
        self.params[name] = param
        return name

    def _add(self, name: str, param: Param) -> None:
        """Add a parameter of the path, unless the name is that of another one."""
        if self.params.setdefault(name, param) != param:
            self._fail(
                f"the path needs a parameter {name!r} of its own, and endpoint.params has one of this name",
                *self._place,
            )


def _setting(kind: str, key: str) -> SettingParam:
    return SettingParam(type="secret" if kind == "secrets" else "config", key=key)
