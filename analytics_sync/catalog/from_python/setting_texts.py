"""Settings as a catalog file spells them: ``dlt.secrets["key"]`` alone, in braces inside a text.

In: a ``Setting`` or ``SettingText``, and its place. Out: text, or a mapping for a setting with a default.
"""

from __future__ import annotations

import re
from typing import Any

from analytics_sync.catalog.files.yaml_config import Path
from analytics_sync.catalog.from_python.values import Setting, SettingText

_SECRET_WORDS = re.compile(
    r"auth|token|secret|passw|credential|cookie|session|signature|api[-_.]?key|access[-_.]?key|(^|[-_.])(key|pwd|pat)$",
    re.IGNORECASE,
)
_NOT_IN_KEY = re.compile(r"[^A-Za-z0-9_.-]")
_PLAIN_AUTH_KEYS = frozenset(
    {"name", "location", "username", "client_id", "access_token_url", "type"}
)


def setting_key(key: str) -> str:
    """The key below ``sources.<source>``: dlt's ``sources.shop.api_key`` is ``api_key``."""
    parts = key.split(".")
    if parts[0].lower() == "sources" and len(parts) > 2:
        parts = parts[2:]
    return _NOT_IN_KEY.sub("_", ".".join(parts))


def is_secret(setting: Setting, path: Path) -> bool:
    """Whether a setting is a secret: as the file says, else by its place and name."""
    if setting.vault != "any":
        return setting.vault == "secrets"
    names = [str(part) for part in path if isinstance(part, str)]
    if "auth" in names:
        return names[-1] not in _PLAIN_AUTH_KEYS or bool(_SECRET_WORDS.search(setting.key))
    return bool(_SECRET_WORDS.search(setting.key)) or (
        "headers" in names and bool(_SECRET_WORDS.search(names[-1]))
    )


def reference(setting: Setting, path: Path) -> Any:
    """A setting that is the whole value."""
    secret = is_secret(setting, path)
    key = setting_key(setting.key)
    in_request = len(path) > 1 and path[-2] in {"params", "headers"}
    if setting.default is not None and in_request and not secret:
        return {"type": "config", "key": key, "default": str(setting.default)}
    return f'dlt.{"secrets" if secret else "config"}["{key}"]'


def spelled_text(text: SettingText, path: Path) -> str:
    """A text with settings in it."""
    pieces: list[str] = []
    for part in text.parts:
        if isinstance(part, Setting):
            vault = "secrets" if is_secret(part, path) else "config"
            pieces.append(f'{{dlt.{vault}["{setting_key(part.key)}"]}}')
        else:
            pieces.append(str(part))
    return "".join(pieces)
