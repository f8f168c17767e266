"""The kind of each error of a failed step, in the metadata of the failure.

In: the errors of the resources. Out: a name for each kind, such as ``HttpStatusError 403``. Two failures of one
resource with one kind have the same cause, whatever else their messages say.
"""

from __future__ import annotations

from collections.abc import Mapping

from dagster import MetadataValue

from analytics_sync.common.errors import HttpStatusError

KINDS = "kinds_of_errors"
"""The name of the metadata: the kind of each resource; of the whole source under an empty name."""


def kinds_of(failed: Mapping[str, BaseException]) -> MetadataValue:
    """The metadata of some errors.

    Args:
        failed: The errors by resource. One of the whole source has an empty name.
    """
    return MetadataValue.json({name: _kind(error) for name, error in failed.items()})


def _kind(error: BaseException) -> str:
    name = type(error).__name__
    return f"{name} {error.status}" if isinstance(error, HttpStatusError) else name
