"""The engine of runs, and the partitions of a run of a backfill, as settings choose them."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from dagster import AssetsDefinition, BackfillPolicy, Definitions

from analytics_sync.catalog.errors import WrongSetting
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.scripted_api import item, shop

BROKER = "redis://:correct-horse-battery@127.0.0.1:9/1"


def definitions() -> Definitions:
    source = shop(item())
    return build_definitions({source.name: source})


def executor_name() -> str:
    """The executor of the job that materializes assets in the UI."""
    executor = definitions().resolve_implicit_global_asset_job_def().executor_def
    return str(executor.name)


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("", "in_process"),
        ("in_process", "in_process"),
        ("multiprocess", "multiprocess"),
        ("celery", "celery"),
        ("kubernetes", "k8s"),
    ],
)
def test_the_executor_of_all_jobs(monkeypatch: pytest.MonkeyPatch, setting: str, name: str) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__EXECUTOR", setting)
    monkeypatch.setenv("ANALYTICS_SYNC__CELERY_BROKER", BROKER)
    assert executor_name() == name
    assert definitions().resolve_job_def("sync_shop").executor_def.name == name


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"EXECUTOR": "dask"}, "EXECUTOR is 'dask'; expected one of in_process, multiprocess"),
        ({"EXECUTOR": "celery"}, "CELERY_BROKER is missing"),
        ({"EXECUTOR": "multiprocess", "EXECUTOR_PROCESSES": "0"}, "from 1 to 64"),
        ({"PARTITIONS_PER_RUN": "some"}, "PARTITIONS_PER_RUN is 'some'"),
        ({"PARTITIONS_PER_RUN": "-1"}, "from 1 to 10,000"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], words: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"ANALYTICS_SYNC__{name}", value)
    with pytest.raises(WrongSetting, match=words):
        definitions()


@pytest.mark.parametrize(
    ("kind", "module", "package"),
    [
        ("celery", "dagster_celery", "dagster-celery"),
        ("kubernetes", "dagster_k8s", "dagster-k8s"),
    ],
)
def test_a_package_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, kind: str, module: str, package: str
) -> None:
    missing: Any = None
    monkeypatch.setitem(sys.modules, module, missing)
    monkeypatch.setenv("ANALYTICS_SYNC__EXECUTOR", kind)
    with pytest.raises(WrongSetting, match=rf"{package}: run pip install 'analytics_sync\[{kind}"):
        definitions()


@pytest.mark.parametrize(
    ("setting", "policy"),
    [("", BackfillPolicy.single_run()), ("7", BackfillPolicy.multi_run(7))],
)
def test_the_partitions_of_a_run_of_a_backfill(
    monkeypatch: pytest.MonkeyPatch, setting: str, policy: BackfillPolicy
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__PARTITIONS_PER_RUN", setting)
    found = [a for a in definitions().assets or () if isinstance(a, AssetsDefinition)]
    assert policy in [a.backfill_policy for a in found]


def test_the_password_of_the_broker_is_no_part_of_the_definitions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dagster stores the config of an executor, and shows it."""
    monkeypatch.setenv("ANALYTICS_SYNC__EXECUTOR", "celery")
    monkeypatch.setenv("ANALYTICS_SYNC__CELERY_BROKER", BROKER)
    job = definitions().resolve_implicit_global_asset_job_def()
    stored = repr(job.get_job_snapshot()) + repr(job.executor_def.__dict__)
    assert "celery" in stored
    assert "horse" not in stored


def test_a_source_has_an_executor_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__EXECUTOR", "multiprocess")
    assert definitions().resolve_job_def("sync_shop").executor_def.name == "multiprocess"
    assert executor_name() == "in_process"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("dask", "SOURCES__SHOP__EXECUTOR: expected one of in_process, multiprocess"),
        ("celery", "SOURCES__SHOP__EXECUTOR is 'celery', and ANALYTICS_SYNC__CELERY_BROKER"),
    ],
)
def test_a_wrong_executor_of_a_source_is_named_and_takes_only_itself_down(
    monkeypatch: pytest.MonkeyPatch, kind: str, words: str
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__EXECUTOR", kind)
    (spec,) = definitions().resolve_all_asset_specs()
    assert words in str(spec.description)
