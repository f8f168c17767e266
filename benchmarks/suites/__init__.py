"""All suites by name. A new suite is a module with a ``SUITE``, and a line here."""

from __future__ import annotations

from benchmarks.suites import latency, memory, merge, rate_limit, resync, scale, startup, work

SUITES = {
    suite.name: suite
    for suite in (
        work.SUITE,
        latency.SUITE,
        rate_limit.SUITE,
        memory.SUITE,
        startup.SUITE,
        scale.SUITE,
        resync.SUITE,
        merge.SUITE,
    )
}
