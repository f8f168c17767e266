"""dlt's files of settings for a test in this process.

In: the working folder and lines of settings of the source ``shop``. Out: the file, as dlt reads it while the
block runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext


@contextmanager
def shop_settings(folder: Path, lines: str, file: str = "secrets.toml") -> Iterator[Path]:
    """A file of settings of the source ``shop``.

    Args:
        folder: The working folder.
        lines: The settings.
        file: Its name.
    """
    path = folder / ".dlt" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"[sources.shop]\n{lines}\n")
    context = Container()[PluggableRunContext]
    context.reload_providers()
    try:
        yield path
    finally:
        path.unlink()
        context.reload_providers()
