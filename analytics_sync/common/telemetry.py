"""Telemetry of dlt: off, unless a setting switches it on.

In: dlt's settings. Out: no request to dlt's telemetry host. dlt's default is on. dlt starts its telemetry
with the first look at a setting, and sends the first event after the first step of a pipeline.
"""

from __future__ import annotations

from typing import Any

import dlt
from dlt.common.runtime.anon_tracker import disable_anon_tracker

# dlt finds a setting with and without its section
_SETTINGS = ("runtime.dlthub_telemetry", "dlthub_telemetry")


def switch_off_telemetry() -> None:
    """Switch dlt's telemetry off in this process, unless a setting of dlt names it.

    A setting decides in dlt itself, whatever its value. The look at the settings starts what they say, and
    dlt starts it only once.
    """
    if all(_setting(name) is None for name in _SETTINGS):
        disable_anon_tracker()


def _setting(name: str) -> Any:
    found: Any = dlt.config.get(name)
    return dlt.secrets.get(name) if found is None else found
