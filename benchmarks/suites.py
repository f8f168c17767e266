"""The suites there are. A new one is a module with a ``SUITE``, and a line here."""

from __future__ import annotations

from benchmarks import latency, memory, rate, scale, second, startup, work

SUITES = {
    suite.name: suite
    for suite in (
        work.SUITE,
        latency.SUITE,
        rate.SUITE,
        memory.SUITE,
        startup.SUITE,
        scale.SUITE,
        second.SUITE,
    )
}
