"""The tap of ``singer``: one REST stream, messages to standard output.

The faster of the SDK's two writers is used.
"""

from __future__ import annotations

import sys
from typing import Any

from requests import Response
from singer_sdk import RESTStream, Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.pagination import PageNumberPaginator

from benchmarks.contenders.schema import json_schema
from benchmarks.contenders.start import wait_for_start
from benchmarks.workload.job import TABLE, Job
from benchmarks.workload.records import EMPTY, SHAPES


class Pages(PageNumberPaginator):
    """Until a page is empty."""

    def has_more(self, response: Response) -> bool:
        """Without parsing the page a second time."""
        return response.content != EMPTY


class Customers(RESTStream):
    """The table."""

    name = TABLE
    path = f"/{TABLE}"
    primary_keys = ("id",)
    records_jsonpath = "$.data[*]"

    @property
    def url_base(self) -> str:
        """The server."""
        return str(self.config["url"])

    def get_new_paginator(self) -> Pages:
        """From page 0 on."""
        return Pages(0)

    def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:
        """The page."""
        return {"page": next_page_token or 0}


class BenchTap(Tap):
    """A tap of one stream."""

    name = "tap-bench"
    config_jsonschema = {
        "type": "object",
        "properties": {"url": {"type": "string"}, "shape": {"type": "string"}},
    }
    message_writer_class = MsgSpecWriter

    def discover_streams(self) -> list[Customers]:
        """The one."""
        return [Customers(self, schema=json_schema(SHAPES[self.config["shape"]]))]


def main(job: Job) -> None:
    """Build the tap, wait, read."""
    tap = BenchTap(config={"url": job.url, "shape": job.shape})
    wait_for_start()
    tap.sync_all()


if __name__ == "__main__":
    main(Job.from_json(sys.argv[1]))
