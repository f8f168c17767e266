"""The content of a request: its method and its body.

In: a JSON document or a form. Out: a ``Content``, which the session sends as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analytics_sync.common.exact_json import dumps
from analytics_sync.extract.rest_client.urls import encoded


@dataclass(frozen=True, slots=True)
class Content:
    """Method and body.

    Attributes:
        method: The HTTP method.
        body: The bytes of the body; None without one.
        content_type: The header ``Content-Type``; empty without a body.
    """

    method: str = "GET"
    body: bytes | None = None
    content_type: str = ""


GET = Content()


def post(json: Any, form: Any) -> Content:
    """The content of a POST request.

    Args:
        json: A JSON document; None without one.
        form: The fields of a form, or its text; None without one.
    """
    if json is not None:
        return Content("POST", dumps(json), "application/json")
    if form is None:
        return Content("POST")
    body = form if isinstance(form, str) else encoded(form)
    return Content("POST", body.encode(), "application/x-www-form-urlencoded")
