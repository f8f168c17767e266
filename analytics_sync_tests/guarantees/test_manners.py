"""Servers that answer otherwise than declared: no run is green while its table is wrong.

In: random combinations of manners, of resources and of runs. Out: assertions on each resource after
each run. It has the right rows, or it failed, or a check of severity ERROR failed. If all manners of a
resource and its parents are harmless, it has the right rows and is green.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from analytics_sync.catalog import Source, load_catalog, load_text
from analytics_sync.sandbox.manners import MANNERS
from analytics_sync_tests.support.manner_lab import MannerLab, Step, fitting, promise
from analytics_sync_tests.support.paths_source import PATHS
from analytics_sync_tests.support.shop_source import SHOP

SHOP_SOURCE = load_text(SHOP, name="shop", file="shop.yaml")
PATHS_SOURCE = load_text(PATHS, name="paths", file="paths.yaml")
SHIPPED = load_catalog()
STEPS = [
    (Step(lies=True, changes=False),),
    (Step(lies=False, changes=False), Step(lies=True, changes=True)),
    (Step(lies=True, changes=False), Step(lies=True, changes=True)),
    (
        Step(lies=False, changes=False),
        Step(lies=True, changes=True),
        Step(lies=True, changes=True),
    ),
]
TRIED: Counter[str] = Counter()
"""Combinations of manners that were tried on a resource, by the name of its source."""


@dataclass(frozen=True)
class Example:
    """Resources of a source with their manners, and the runs."""

    source: Source
    choice: dict[str, tuple[str, ...]]
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        return f"{self.source.name}: {self.choice} in {self.steps}"


@st.composite
def examples(draw: st.DrawFn, sources: list[Source], max_resources: int) -> Example:
    """Random examples of some sources."""
    source = draw(st.sampled_from(sources))
    names = draw(
        st.lists(
            st.sampled_from([r.name for r in source.assets]),
            min_size=1, max_size=max_resources, unique=True,
        )
    )  # fmt: skip
    choice = {
        name: tuple(
            draw(
                st.lists(
                    st.sampled_from(fitting(source, source.resources[name])),
                    min_size=1, max_size=3, unique_by=lambda manner: MANNERS[manner].group,
                )
            )
        )
        for name in names
    }  # fmt: skip
    return Example(source, choice, draw(st.sampled_from(STEPS)))


def problems(lab: MannerLab, example: Example) -> Iterator[str]:
    """Every resource that is green and wrong, or that harmless manners made fail."""
    source, choice = example.source, example.choice
    # A manner of a parent shows in its children.
    read = [r.name for r in source.assets if {r.name, r.parent} & set(choice)]
    for step, verdicts in zip(
        example.steps, lab.run(source, choice, example.steps, read), strict=True
    ):
        for verdict in verdicts:
            TRIED[source.name] += step.lies
            promised = promise(source, verdict.resource, choice) if step.lies else "harmless"
            if verdict.wrong and not verdict.failures:
                yield f"{verdict.resource} is green and wrong: {verdict.wrong[:3]}"
            elif verdict.failures and promised == "harmless":
                yield f"{verdict.resource} failed: {verdict.failures[:2]}"


def check(lab: MannerLab, sources: list[Source], count: int, max_resources: int) -> None:
    """Assert that random examples have no problem."""

    @seed(zlib.crc32(f"manners {count}".encode()))
    @settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # a problem names its resource, so that shrinking adds little
        suppress_health_check=list(HealthCheck),
    )
    @given(examples(sources, max_resources))
    def no_problem(example: Example) -> None:
        found = list(problems(lab, example))
        assert not found, "\n".join([repr(example), *found])

    TRIED.clear()
    no_problem()
    print(f"{TRIED.total()} combinations of manners were tried: {dict(TRIED)}")


@pytest.fixture
def manner_lab(tmp_path: Path) -> MannerLab:
    """A folder for the warehouses."""
    return MannerLab(tmp_path)


def test_no_combination_is_green_and_wrong(manner_lab: MannerLab) -> None:
    check(manner_lab, [SHOP_SOURCE], 8, 6)


def test_no_combination_is_green_and_wrong_with_jsonpaths(manner_lab: MannerLab) -> None:
    check(manner_lab, [PATHS_SOURCE], 4, 6)


@pytest.mark.slow
@pytest.mark.parametrize("source", [SHOP_SOURCE, PATHS_SOURCE], ids=lambda source: source.name)
def test_no_combination_is_green_and_wrong_in_many_examples(
    manner_lab: MannerLab, source: Source
) -> None:
    check(manner_lab, [source], 60, 12)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_no_combination_is_green_and_wrong_in_shipped_sources(
    manner_lab: MannerLab, name: str
) -> None:
    check(manner_lab, [SHIPPED[name]], 20, 12)


@pytest.mark.slow
@pytest.mark.parametrize("manner", MANNERS)
def test_each_manner_alone_on_every_resource_that_it_fits(
    manner_lab: MannerLab, manner: str
) -> None:
    found = []
    for source in (SHOP_SOURCE, PATHS_SOURCE, *SHIPPED.values()):
        choice = {r.name: (manner,) for r in source.assets if manner in fitting(source, r)}
        if choice:
            found += problems(manner_lab, Example(source, choice, STEPS[1]))
    assert not found, "\n".join(found)
