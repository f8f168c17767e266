"""Kinds of resources: one shipped resource for each way to page, to nest and to filter.

In: the shipped catalog. Out: ``KINDS``, the sets of kinds that share a paginator, and the resource
that stands for a kind.
"""

from __future__ import annotations

import functools

from analytics_sync.catalog import Resource, load_catalog

SOURCES = load_catalog()
KINDS = {
    "page_number": "observability/users",
    "page_number_without_base": "delivery/builds",
    "offset": "observability/dashboards",
    "offset_with_total": "delivery/pipelines",
    "offset_over_a_map": "delivery/step_types",
    "offset_that_hands_out_a_cursor": "product_guidance/tours",
    "cursor": "customer_data/users",
    "counting_cursor": "observability/incident_teams",
    "json_link": "observability/logs",
    "root_list": "observability/monitors",
    "enveloped": "observability/metrics",
    "single_object": "ci_pipelines/me",
    "child": "product_guidance/survey_responses",
    "grandchild": "ci_pipelines/workflow_jobs",
    "windowed_child": "delivery/analytics_reports",
    "windowed_by_server": "observability/audit_logs",
    "windowed_by_us": "observability/incidents",
    "month_stepped": "customer_data/usage_mtu_daily",
    "snapshot": "customer_data/labels",
}
ALL_KINDS = set(KINDS)
CHILD_KINDS = {"child", "grandchild", "windowed_child"}
# The sets of paginators leave out children: the pages of a child depend on its paginator alone.
NUMBER_KINDS = {"page_number", "page_number_without_base"}
OFFSET_KINDS = {"offset", "offset_with_total", "offset_over_a_map"}
CURSOR_KINDS = {
    "offset_that_hands_out_a_cursor", "cursor", "counting_cursor", "windowed_by_server",
    "windowed_by_us", "snapshot", "month_stepped",
}  # fmt: skip
LINK_KINDS = {"json_link"}
PAGED_KINDS = NUMBER_KINDS | OFFSET_KINDS | CURSOR_KINDS | LINK_KINDS


def resource_of(kind: str) -> Resource:
    """The resource that stands for a kind."""
    source, name = KINDS[kind].split("/")
    return SOURCES[source].resources[name]


@functools.cache
def kinds_of(*sources: str) -> frozenset[str]:
    """The kinds whose resource belongs to one of these sources."""
    return frozenset(kind for kind, asset in KINDS.items() if asset.split("/")[0] in sources)


WINDOWED_KINDS = {kind for kind in KINDS if resource_of(kind).incremental}
