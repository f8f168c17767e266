"""The ``analytics-sync`` command.

In: command-line arguments. Out: an exit status, and text on standard output.
Each area of commands has a module in ``commands/parsers/``. The module of a subcommand is imported when the
subcommand runs: help and wrong usage load nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from importlib import import_module

from analytics_sync.commands.parsers.command_line import command_line

_FAILED = 1
_WRONG = 2
_PIPE_IS_CLOSED = 128 + 13  # as a shell reports the signal SIGPIPE
_INTERRUPTED = 128 + 2  # and SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit status.

    Args:
        arguments: The command line without the program's name; None reads it from ``sys.argv``.

    Returns:
        0 for success, 2 for wrong usage or a wrong catalog file, otherwise the subcommand's status.
    """
    options = command_line().parse_args(arguments)
    try:
        status = _run(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the program that read the output has ended, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_IS_CLOSED
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    # imported here, so that help and wrong usage load no catalog
    from dlt.common.configuration.providers.toml import TomlProviderReadException

    from analytics_sync.catalog.errors import CatalogError, WrongSetting
    from analytics_sync.commands.output import reserved_for_json, wants_json
    from analytics_sync.commands.usage import WrongUsage
    from analytics_sync.common.private_folder import NotPrivate
    from analytics_sync.common.settings_files import damaged_settings
    from analytics_sync.demo import SandboxFailed

    try:
        with reserved_for_json() if wants_json(options) else nullcontext():
            return int(_function(options.run)(options) or 0)
    except (CatalogError, WrongSetting, NotPrivate, WrongUsage) as e:
        problem, status = str(e), _WRONG
    except TomlProviderReadException as e:  # its text may quote the file
        problem, status = damaged_settings(e.full_paths), _WRONG
    except SandboxFailed as e:
        problem, status = str(e), _FAILED
    print(problem, file=sys.stderr)
    return status


def _function(name: str) -> Callable[[argparse.Namespace], int]:
    module, _, function = name.partition(":")
    found: Callable[[argparse.Namespace], int] = getattr(import_module(module), function)
    return found


if __name__ == "__main__":
    sys.exit(main())
