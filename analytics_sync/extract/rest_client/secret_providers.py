"""Secret providers: whether a setting comes from a place for secrets, such as ``.dlt/secrets.toml``.

In: the name of a setting. Out: yes or no. The environment is no such place: it holds both kinds of settings.
"""

from __future__ import annotations

import dlt
from dlt.common.configuration.providers import EnvironProvider


def is_from_secrets(name: str) -> bool:
    """Whether a file or vault for secrets gives the value of a setting.

    Args:
        name: The full name, with dots.
    """
    *sections, key = name.split(".")
    for provider in dlt.config.config_providers:
        if provider.is_empty:
            continue
        value, _ = provider.get_value(key, str, "", *sections)
        if value is not None:
            return provider.supports_secrets and not isinstance(provider, EnvironProvider)
    return False
