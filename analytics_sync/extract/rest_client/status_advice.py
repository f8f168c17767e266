"""Advice for error statuses: what to do next, with the settings of the source by name.

In: a status, and the resource that was requested. Out: a sentence for the message. It names settings, and
never their values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.building.setting_places import setting_places
from analytics_sync.catalog.naming import variable_name

_ACCEPTED = 202
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _GONE = 401, 403, 404, 410
_PASSING = frozenset({408, 423, 425, 429})
_LEAVE_OUT = "or leave the resource out of the selection"
_NO_RECORDS = "If the status means 'no records', declare response_actions."
_LATER = "Look at the API's status page, then run again."
_NOT_YET = (
    "The API is still preparing the response: declare 202 in retry_on_status_codes of error_handler, or raise "
    "its max_retries."
)
_OTHERS = {
    407: "Put the user and the password of the proxy into the address in HTTPS_PROXY.",
    451: f"The API withholds this for legal reasons: ask its owner, {_LEAVE_OUT}.",
}
_NO_CREDENTIALS = "No credentials were sent: declare auth in the client of the catalog file"


def status_advice(status: int, source: Source, resource: str) -> str:
    """What to do about a status that is no page.

    Args:
        status: The HTTP status.
        source: The source.
        resource: Name of the resource that was requested.
    """
    if status == _ACCEPTED:
        return _NOT_YET
    address = variable_name(source.name, "base_url")
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return _of_credentials(status, source)
    if status == _NOT_FOUND:
        return f"Look at {_in_address(source, resource)}. {_NO_RECORDS}"
    if status == _GONE:
        return (
            f"The API has given up this address: look for its successor, then correct path or {address}, "
            f"{_LEAVE_OUT}. {_NO_RECORDS}"
        )
    if status < 400:
        return f"Look at {address}, and at response_actions: they say what this status means."
    if status >= 500 or status in _PASSING:
        return _LATER
    return _OTHERS.get(status) or (
        "The API refuses this request, and will again: look at endpoint.params, incremental and the settings "
        f"of the resource (analytics-sync settings {source.name})."
    )


def _of_credentials(status: int, source: Source) -> str:
    places = [place for place in setting_places(source.client, {}) if place.is_secret]
    keys = list(dict.fromkeys(place.key for place in places))
    if not keys:
        return (
            f"{_NO_CREDENTIALS}, {_LEAVE_OUT}." if status == _FORBIDDEN else f"{_NO_CREDENTIALS}."
        )
    variables = _variables(source, keys)
    if status == _FORBIDDEN:
        return f"Give the key in {variables} the right to read this, {_LEAVE_OUT}."
    advice = f"Look at {variables}: the API does not take the key, or it has expired."
    if named := [f"{place.key}_name" for place in places if place.header]:
        advice += f" {_variables(source, named)} can send it under another name."
    return advice


def _in_address(source: Source, name: str) -> str:
    """The settings that the address of a resource is made of."""
    resource: Resource | None = source.resources.get(name)
    keys = ["base_url"]
    if resource is not None:
        in_path = {n for n in resource.settings if f"{{{n}}}" in resource.path}
        keys += [resource.settings[n].key for n in resource.settings if n in in_path]
        keys += [
            r.config
            for n, r in resource.resolved.items()
            if r.config and f"{{{n}}}" in resource.path
        ]
    names = [variable_name(source.name, key) for key in dict.fromkeys(keys)]
    return _enumerated([*names, "the path in the catalog file"])


def _variables(source: Source, keys: Iterable[str]) -> str:
    return _enumerated([variable_name(source.name, key) for key in dict.fromkeys(keys)])


def _enumerated(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
