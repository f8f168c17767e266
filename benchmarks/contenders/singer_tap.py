"""The tap of ``singer``: one REST stream.

In: a job, as JSON. Out: Singer messages on standard output. The tap uses the faster of the SDK's
two message writers.
"""

from __future__ import annotations

import sys
from typing import Any

from requests import Response
from singer_sdk import RESTStream, Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.pagination import PageNumberPaginator

from benchmarks.contenders.schema import json_schema
from benchmarks.contenders.start import wait_for_release
from benchmarks.workload.job import TABLE, Job
from benchmarks.workload.records import EMPTY, SHAPES


class EmptyPagePaginator(PageNumberPaginator):
    """Page numbers, until a page is empty."""

    def has_more(self, response: Response) -> bool:
        """Compare the body's bytes, so that the page is not parsed a second time."""
        return response.content != EMPTY


class Customers(RESTStream):
    """The stream of the table ``customers``."""

    name = TABLE
    path = f"/{TABLE}"
    primary_keys = ("id",)
    records_jsonpath = "$.data[*]"

    @property
    def url_base(self) -> str:
        """Base URL of the server."""
        return str(self.config["url"])

    def get_new_paginator(self) -> EmptyPagePaginator:
        """A paginator that starts at page 0."""
        return EmptyPagePaginator(0)

    def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:
        """The query parameter of a page."""
        return {"page": next_page_token or 0}


class BenchTap(Tap):
    """A tap with one stream."""

    name = "tap-bench"
    config_jsonschema = {
        "type": "object",
        "properties": {"url": {"type": "string"}, "shape": {"type": "string"}},
    }
    message_writer_class = MsgSpecWriter

    def discover_streams(self) -> list[Customers]:
        """The stream of the table ``customers``."""
        return [Customers(self, schema=json_schema(SHAPES[self.config["shape"]]))]


def main(job: Job) -> None:
    """Build the tap, wait for the release, then read."""
    tap = BenchTap(config={"url": job.url, "shape": job.shape})
    wait_for_release()
    tap.sync_all()


if __name__ == "__main__":
    main(Job.from_json(sys.argv[1]))
