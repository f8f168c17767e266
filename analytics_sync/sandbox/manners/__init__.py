"""Manners: named ways in which a server answers otherwise than its catalog file declares.

In: names, each for all resources or for one.
Out: ``Manners``, which changes requests before the API answers them, and the responses after it.
"""

# Each of these modules adds its manners to MANNERS when it is imported.
import analytics_sync.sandbox.manners.ends
import analytics_sync.sandbox.manners.gaps
import analytics_sync.sandbox.manners.keys
import analytics_sync.sandbox.manners.links
import analytics_sync.sandbox.manners.paging
import analytics_sync.sandbox.manners.parents
import analytics_sync.sandbox.manners.records
import analytics_sync.sandbox.manners.repeats
import analytics_sync.sandbox.manners.shapes
import analytics_sync.sandbox.manners.statuses
import analytics_sync.sandbox.manners.values
import analytics_sync.sandbox.manners.windows  # noqa: F401
from analytics_sync.sandbox.manners.manner import MANNERS, Manner, Manners

__all__ = ["MANNERS", "Manner", "Manners"]
