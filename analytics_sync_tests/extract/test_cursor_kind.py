"""Kinds of cursors: whether the cursor of a record may change, as declared or by its name."""

from __future__ import annotations

from analytics_sync.extract.convert.cursor_kind import CursorKind, cursor_kind
from analytics_sync_tests.support.scripted_api import item, shop


def kind(cursor: str, **incremental: object) -> CursorKind:
    """The kind of a cursor."""
    endpoint = {"incremental": {"cursor_path": cursor, **incremental}}
    source = shop(item(endpoint, columns={"id": "bigint", cursor: "timestamp"}))
    return cursor_kind(source.resources["items"])


def test_the_kind_of_a_cursor_follows_its_name() -> None:
    kinds = {
        "created_at": CursorKind.FIXED,
        "attributes.creationDate": CursorKind.FIXED,
        "modified": CursorKind.CHANGES,
        "lastLogin": CursorKind.CHANGES,
        "elastic_day": CursorKind.UNKNOWN,
        "timestamp": CursorKind.UNKNOWN,
    }
    for name, expected in kinds.items():
        assert kind(name) is expected, name


def test_a_declaration_goes_before_the_name() -> None:
    assert kind("created_at", cursor_changes=True) is CursorKind.CHANGES
    assert kind("updated_at", cursor_changes=False) is CursorKind.FIXED
    assert kind("at", start_param="updated_since") is CursorKind.CHANGES
