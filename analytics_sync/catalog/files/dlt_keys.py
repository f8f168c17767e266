"""Keys of dlt that a catalog file does not take, each with the reason and what to write instead.

In: a key that no model knows, and the keys above it. Out: the reason; None if dlt does not know the key either.
"""

from __future__ import annotations

_CODE = "is code in dlt, and a catalog file holds data only"
_LAYOUT = "says how a warehouse stores a table, and no row would differ"
_ONE_AUTH = (
    "one source has one auth: declare client.auth, and a source of its own for other credentials"
)

# keys of a window, which stands in ``incremental`` or is a parameter
_OF_WINDOWS = {
    "convert": f"convert {_CODE}; param_format says how the API spells a time",
    "last_value_func": "windows are cut by time, so that no largest value is kept: leave it out",
    "end_value": "partitions set the end of each window: run the partitions up to this value",
    "on_cursor_value_missing": "a record without a cursor goes to the table _rejected, and a check names it: "
    "leave it out",
}
# the key, or the key above it and the key
_REASONS = {
    **{f"incremental.{key}": reason for key, reason in _OF_WINDOWS.items()},
    **{f"params.{key}": reason for key, reason in _OF_WINDOWS.items()},
    "auth.access_token": "the token is requested: declare access_token_url, client_id and client_secret",
    "client.session": f"session {_CODE}; timeouts, retries and limits are keys of client",
    "auth.session": f"session {_CODE}",
    "endpoint.auth": _ONE_AUTH,
    "endpoint.session": f"session {_CODE}",
    "endpoint.hooks": f"hooks {_CODE}; response_actions say what a response means",
    "paginator.page": "a listing is read from its first page: declare base_page, the number of that page",
    "paginator.param_name": "the key of page_number is page_param, and that of offset is offset_param",
    "columns.hard_delete": "rows that are gone get _deleted_at, and are not removed: see deletes",
    "columns.dedup_sort": "of two versions of a row, the one that the API gave last stays",
    "columns.merge_key": "rows are merged by primary_key: add the field to it, or use write_disposition: replace",
    "columns.incremental": "declare endpoint.incremental with this field as cursor_path",
    "columns.row_version": "a table has one row per key",
    "merge_key": "rows are merged by primary_key; a window or the children of a parent are replaced as a whole by "
    "write_disposition: replace",
    "table_format": f"it {_LAYOUT}",
    "file_format": f"it {_LAYOUT}",
    "references": f"it {_LAYOUT}",
    "nested_hints": "no table has child tables: nested values are JSON columns",
    "parent": "name the parent in a placeholder, {resources.<parent>.<field>}",
    "incremental": "it is a key of endpoint here, as in dlt's rest_api: endpoint.incremental",
    "validator": f"validator {_CODE}; the check declared_schema finds values that do not fit",
    "transform": f"transform {_CODE}; processing_steps hold filters, renames and constants as data",
    "primary_key": "it is a key of the resource, or of resource_defaults",
    "schema": "declare columns for each resource",
    "name": "the name of the source is the key source",
    "max_table_nesting": "no table has child tables: nested values are JSON columns",
    "section": "the section of the settings is the name of the source",
    "parallelized": "all resources are read at the same time; client.max_connections limits the requests",
}  # fmt: skip


def reason_against(key: str, above: tuple[str, ...]) -> str | None:
    """Why a key of dlt is none here; None if it is no key of dlt.

    Args:
        key: The key.
        above: The keys above it, from the top of the file.
    """
    for parent in reversed(above):
        if reason := _REASONS.get(f"{parent}.{key}"):
            return f"a key of dlt that is not taken: {reason}"
    reason = _REASONS.get(key)
    return f"a key of dlt that is not taken here: {reason}" if reason else None
