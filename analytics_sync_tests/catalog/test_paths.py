"""Paths of a catalog file are compiled when it loads: a wrong one is an error with file and line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from analytics_sync.catalog import CatalogError, load_text

# place in the file -> the line that holds a path
PLACES = {
    "data_selector": "      data_selector: {}",
    "count_path": "      count_path: {}",
    "next_url_path": "      paginator: {{type: json_link, next_url_path: {}}}",
    "cursor_path": "      paginator: {{type: cursor, cursor_param: c, cursor_path: {}}}",
    "has_more_path": "      paginator: {{type: cursor, cursor_param: c, has_more_path: {}}}",
    "total_path": "      paginator: {{type: offset, limit: 1, total_path: {}}}",
    "incremental.cursor_path": "      incremental: {{cursor_path: {}}}",
    "key_field": "      key_field: {}",
    "primary_key": "    primary_key: [id, {}]",
    "required": "    required: [{}]",
    "columns": "    columns: {{id: text, {}: text}}",
    "aliases": "    columns: {{id: {{data_type: text, aliases: [{}]}}}}",
    "include_from_parent": "    include_from_parent: {{x: {}}}",
    "skip_parents": "    skip_parents: {{{}: [1]}}",
    "field": "      params: {{p: {{type: resolve, resource: r, field: {}}}}}",
}
FIELDS = {"key_field", "primary_key", "required", "columns", "aliases", "incremental.cursor_path"}


def error(place: str, path: str) -> str:
    lines = ["client: {}", "resources:", "  - name: r", "    endpoint:", "      path: /r"]
    lines.append(PLACES[place].format(f'"{path}"'))
    with pytest.raises(CatalogError) as caught:
        load_text("\n".join(lines), name="s", file="s.yaml")
    return str(caught.value)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("path", ["a[", "a..", "what's", "a[?(@.b=]", "data[(@.length-1)].id"])
def test_a_path_that_cannot_be_compiled(place: str, path: str) -> None:
    message = error(place, path)
    assert message.startswith("s.yaml:6: resource 'r': "), message
    assert f"{path!r} is no JSONPath" in message


@pytest.mark.parametrize("place", sorted(FIELDS))
@pytest.mark.parametrize("path", ["a[0].b", "a.*", "..a", "a[?(@.b==1)]", "$"])
def test_a_field_has_keys_only(place: str, path: str) -> None:
    message = error(place, path)
    assert message.startswith("s.yaml:6: ")
    assert f"{path!r} is no field: expected keys" in message


def test_a_key_field_needs_an_object_of_records() -> None:
    with pytest.raises(CatalogError, match=r"endpoint\.key_field: expected a data_selector"):
        load_text(
            "client: {}\nresources: [{name: r, primary_key: id, endpoint: "
            "{path: /r, data_selector: data, key_field: id}}]",
            name="s",
            file="s.yaml",
        )


def test_plain_paths_do_not_import_the_compiler() -> None:
    script = (
        "import sys; from analytics_sync.common import json_path as j; "
        "j.compile_path('a.b'); j.compile_path('$.a[*].b'); j.compile_path('..a.b'); "
        "assert 'jsonpath_ng' not in sys.modules; "
        "j.compile_path('a[0]'); assert 'jsonpath_ng' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
