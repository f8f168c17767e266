"""The command: all diagnoses, one after the other.

In: the parsed arguments. Out: a line for each diagnosis, and an exit status.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

from analytics_sync.catalog.errors import CatalogError, WrongSetting
from analytics_sync.commands.doctor import machine, services, warehouse
from analytics_sync.commands.doctor.diagnosis import Diagnosis, Health, failed
from analytics_sync.commands.output import show
from analytics_sync.commands.tables import table_lines
from analytics_sync.common.private_folder import NotPrivate
from analytics_sync.load.errors import LoadError

_FAILED = 1
_LOCAL: tuple[Callable[[], Iterator[Diagnosis]], ...] = (
    machine.python, machine.packages, machine.dagster_home, machine.disks, services.catalog,
    services.settings, warehouse.destination, warehouse.read_copy, services.executor,
    services.coordination,
)  # fmt: skip


def doctor(options: argparse.Namespace) -> int:
    """Show all diagnoses; return 1 if one failed."""
    looks = _LOCAL if options.offline else (*_LOCAL, services.apis)
    found = [diagnosis for look in looks for diagnosis in _safely(look)]
    counts = {state: sum(d.state is state for d in found) for state in Health}
    document = {
        "diagnoses": [{"name": d.name, "state": d.state, "text": d.text} for d in found],
        "failed": counts[Health.FAILED],
        "warnings": counts[Health.WARNING],
    }
    rows = [
        (str(d.state).upper() if d.state is not Health.OK else "ok", d.name, d.text) for d in found
    ]
    total = (
        f"{len(found)} looked at, {counts[Health.FAILED]} failed, {counts[Health.WARNING]} warnings"
    )
    show(options, document, [*table_lines(rows), "", total])
    return _FAILED if counts[Health.FAILED] else 0


def _safely(look: Callable[[], Iterator[Diagnosis]]) -> Iterator[Diagnosis]:
    """The diagnoses of one look. What stops it is a diagnosis, too."""
    name = look.__name__.replace("_", " ")
    try:
        yield from look()
    except (CatalogError, WrongSetting, LoadError, NotPrivate) as e:
        yield failed(name, str(e))
    except Exception as e:  # its text may hold a secret
        yield failed(
            name, f"cannot be looked at: unexpected {type(e).__name__}. Please report this bug."
        )
