"""Work that is done once for all accounts of an API, and again for another declaration."""

from __future__ import annotations

from dataclasses import replace

from analytics_sync.catalog import Resource
from analytics_sync.catalog.code_version import code_version
from analytics_sync.catalog.shared_parts import once_for_accounts
from analytics_sync_tests.support.scripted_api import item, shop


def test_a_function_is_called_once_for_resources_that_differ_in_their_source() -> None:
    called: list[str] = []

    @once_for_accounts(frozenset({"source"}))
    def path(resource: Resource) -> str:
        called.append(resource.source)
        return resource.path

    resource = shop(item()).resources["items"]
    accounts = [replace(resource, source=name) for name in ("eu", "us", "asia")]
    assert {path(account) for account in accounts} == {"/items"}
    assert called == ["eu"]
    assert path(replace(resource, path="/others")) == "/others"
    assert path(replace(resource, fields=())) == "/items"
    assert called == ["eu", resource.source, resource.source]


def test_an_account_has_the_code_version_of_its_base() -> None:
    source = shop(item(columns={"id": "bigint", "v": "text"}))
    resource = source.resources["items"]
    account = replace(resource, source="eu")
    other = replace(resource, fields=resource.fields[:1])
    assert code_version(source, account) == code_version(source, resource)
    assert code_version(source, other) != code_version(source, resource)
