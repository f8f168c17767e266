"""Declared parameters: literal values, and values from a setting, a parent record or a window.

In: a value of ``params`` or ``headers`` in a catalog file. Out: one frozen model per form.
Keys and their meaning are those of dlt's ``rest_api``. "(ours)" marks each key that dlt lacks.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Tag, field_validator

from analytics_sync.catalog.config.base_model import Model
from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.catalog.config.paths import ResponsePath
from analytics_sync.catalog.config.texts import Placeholder, Text, read_text
from analytics_sync.catalog.naming import is_setting_name, resource_name
from analytics_sync.common.linear_pattern import check_pattern

REFERENCE = re.compile(r"""dlt\.(secrets|config)\[["']([A-Za-z0-9_.]+)["']\]\Z""")
"""A value that stands for a setting, as a dlt configuration in Python writes it."""

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
"""The place of a parameter in a URL path."""

NO_SETTING_NAME = "expected the name of a setting: letters, digits, '_', '-' and '.'"


def referenced_key(reference: str) -> str:
    """The setting that ``dlt.secrets["key"]`` or ``dlt.config["key"]`` refers to."""
    found = REFERENCE.match(reference)
    assert found is not None, "checked when the catalog was loaded"
    return found[2]


def read_setting_text(text: str) -> str | Text:
    """A text that may hold settings, as ``Token {dlt.secrets["key"]}``; a reference alone is one, too.

    Raises:
        ValueError: It holds another placeholder, or a single brace.
    """

    def slot(name: str) -> Placeholder:
        if not REFERENCE.match(name):
            raise ValueError(
                f'the placeholder {{{name}}} is not known here; expected {{dlt.secrets["key"]}} or '
                '{dlt.config["key"]}. A brace of the text is written twice: {{ and }}'
            )
        return Placeholder(name)

    return read_text(f"{{{text}}}" if REFERENCE.match(text) else text, slot)


def settings_in(text: str) -> list[tuple[str, str]]:
    """The settings that a text holds: for each, ``secrets`` or ``config``, and the key."""
    read = read_setting_text(text)
    names = read.names if isinstance(read, Text) else ()
    return [(found[1], found[2]) for name in names if (found := REFERENCE.match(name))]


def check_setting_text(text: str) -> str:
    """The text, if all its placeholders are settings.

    Raises:
        ValueError: It holds another placeholder, or a single brace.
    """
    read_setting_text(text)
    return text


def _setting_name(value: str) -> str:
    if not is_setting_name(value):
        raise ValueError(NO_SETTING_NAME)
    return value


SettingName = Annotated[str, AfterValidator(_setting_name)]


class SettingParam(Model):
    """A value from the settings (ours): ``sources.<source>.<key>``."""

    type: Literal["config", "secret"]
    """Whether the setting is plain or a secret."""
    key: SettingName
    """Name of the setting."""
    optional: bool = False
    """Whether a run does without the setting."""
    default: str | None = None
    """The value, if the setting is not set."""
    allow_slash: bool = False
    """Send the slashes of a path value unencoded."""

    @property
    def is_optional(self) -> bool:
        """Whether a run does without the setting."""
        return self.optional or self.default is not None


class ResolveParam(Model):
    """A value from a parent record, as in dlt."""

    type: Literal["resolve"]
    """The value comes from a parent."""
    resource: Annotated[str, AfterValidator(resource_name)]
    """Name of the parent."""
    field: ResponsePath
    """The path to the value in the parent's record."""
    config: SettingName | None = None
    """A setting that replaces the values of parent records (ours)."""
    match: str | None = None
    """A regular expression whose one group is the value; it runs in linear time (ours)."""
    allow_slash: bool = False
    """Send the slashes of a path value unencoded (ours)."""

    @field_validator("match")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        if value is not None:
            check_pattern(value)
        return value


class IncrementalParam(Incremental):
    """dlt's older spelling of ``endpoint.incremental`` inside ``params``, with the same keys."""

    type: Literal["incremental"]
    """The value is the start of the window."""


def _param_kind(value: Any) -> str:
    if isinstance(value, SettingParam):
        return "config"
    if isinstance(value, ResolveParam | IncrementalParam):
        return value.type
    if isinstance(value, dict):
        kind = value.get("type")
        return "config" if kind == "secret" else str(kind)
    return "list" if isinstance(value, list | tuple) else "literal"


Literals = str | int | float | bool | None
Param = Annotated[
    Annotated[SettingParam, Tag("config")]
    | Annotated[ResolveParam, Tag("resolve")]
    | Annotated[IncrementalParam, Tag("incremental")]
    | Annotated[tuple[Literals, ...], Tag("list")]
    | Annotated[Literals, Tag("literal")],
    Discriminator(_param_kind),
]


def _header_kind(value: Any) -> str:
    return "setting" if isinstance(value, dict | SettingParam) else "text"


Header = Annotated[
    Annotated[str, Tag("text")] | Annotated[SettingParam, Tag("setting")],
    Discriminator(_header_kind),
]
