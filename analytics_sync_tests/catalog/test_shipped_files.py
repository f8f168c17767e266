"""The catalog files that ship: sixty assets, described, with their windows and credentials."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from analytics_sync.catalog import Source, catalog_files, load_catalog
from analytics_sync.catalog.config.params import SettingParam

CATALOG = load_catalog()
ASSETS = {"observability": 11, "product_guidance": 10, "ci_pipelines": 12, "customer_data": 14, "delivery": 13}  # fmt: skip
WINDOWED = {
    "observability": {"audit_logs", "logs", "incidents"},
    "product_guidance": {
        "helpbars", "segments", "urls", "url_groups", "changes", "launchers", "tooltips", "tours",
        "surveys", "survey_responses",
    },
    "ci_pipelines": {"pipelines", "workflow", "workflow_jobs", "jobs"},
    "customer_data": {"usage_api_calls_daily", "usage_mtu_daily"},
    "delivery": {"builds", "audit", "analytics_reports"},
}  # fmt: skip


def test_five_sources_with_sixty_assets() -> None:
    assert {name: len(source.assets) for name, source in CATALOG.items()} == ASSETS


@pytest.mark.parametrize("source", CATALOG.values(), ids=lambda s: s.name)
def test_every_shipped_resource_is_described(source: Source) -> None:
    assert source.description
    for resource in source.resources.values():
        assert resource.description, resource
        required = {f.name for f in resource.required}
        null_as = {f.name for f in resource.fields if f.null_as is not None}
        assert set(resource.primary_key) <= required | null_as, resource
        assert not required & null_as, resource
        assert resource.fields, resource
        assert resource.incremental is None or resource.cursor in resource.required, resource
        assert not resource.selected or resource.primary_key, resource


@pytest.mark.parametrize("source", CATALOG.values(), ids=lambda s: s.name)
def test_every_shipped_column_has_a_short_description(source: Source) -> None:
    for resource in source.resources.values():
        for field in resource.fields:
            words = (field.description or "").split()
            assert 2 <= len(words) <= 12, (resource, field.name)
            if field.data_type == "timestamp":
                assert field.description is not None
                assert field.description.split(";")[0].endswith("UTC"), (resource, field.name)
            if field.data_type == "bigint" and (field.description or "").startswith("When "):
                assert re.search(r"epoch (milli)?seconds", str(field.description)), field.name


@pytest.mark.parametrize("source", CATALOG.values(), ids=lambda s: s.name)
def test_exactly_these_are_windowed(source: Source) -> None:
    assert {r.name for r in source.assets if source.windowed(r)} == WINDOWED[source.name]


@pytest.mark.parametrize("source", CATALOG.values(), ids=lambda s: s.name)
def test_shipped_credentials_are_settings(source: Source) -> None:
    keys = [v.key for v in source.client.headers.values() if isinstance(v, SettingParam)]
    auth: Any = source.client.auth
    key = getattr(auth, "api_key", None) or auth.token
    expected = "api_token" if source.name == "customer_data" else "api_key"
    assert key == f'dlt.secrets["{expected}"]'
    assert keys == (["application_key"] if source.name == "observability" else [])


# The first eight hex digits of the SHA-256 of each name: the name itself must not be here either.
VENDOR_HASHES = {
    "4d8bd97f", "33d00a46", "ef58ef3c", "625fc38a", "838758c1", "d3566809", "d1a4ab4f", "d1aa59f4",
    "28150ba0", "89d01c9b",
}  # fmt: skip


def test_no_vendor_is_named() -> None:
    for path in catalog_files():
        for word in set(re.findall(r"[a-z]+", path.read_text().lower())):
            assert hashlib.sha256(word.encode()).hexdigest()[:8] not in VENDOR_HASHES, (
                f"{path.name}: {word}"
            )
