"""What convert assumes of a program, as ``docs/convert.md`` says: the values and the sources that follow from it."""

from __future__ import annotations

from pathlib import Path

from analytics_sync_tests.convert.converting import convert, of_resource


def test_a_generator_reads_the_values_that_are_there_when_it_is_made(tmp_path: Path) -> None:
    before = "y = [2]\ndef f():\n    yield from y\ng = f()\ny.append(3)\nx = sum(g)"
    program = of_resource('"endpoint": {"params": {"x": x}}', before=before)
    converted = convert(tmp_path, program)
    assert (converted.status, converted.resource("items")["endpoint"]["params"]) == (0, {"x": 2})


def test_the_sources_of_all_ways_are_files(tmp_path: Path) -> None:
    program = """
        from helpers import helper
        def of(region):
            return {"client": {"base_url": f"https://{region}.example.com"}, "resources": [{"name": "items", "primary_key": "id"}]}

        if helper():
            rest_api_source(of("eu"), name="europe")
        else:
            rest_api_source(of("us"), name="america")
    """
    converted = convert(tmp_path, program)
    assert (converted.status, [f["source"] for f in converted.files]) == (0, ["europe", "america"])


def test_a_file_runs_as_a_script(tmp_path: Path) -> None:
    before = "x = 1\nif __name__ == '__main__':\n    x = 2\nelse:\n    x = 3"
    program = of_resource('"endpoint": {"params": {"x": x}}', before=before)
    converted = convert(tmp_path, program)
    assert (converted.status, converted.resource("items")["endpoint"]["params"]) == (0, {"x": 2})


def test_a_run_ends_without_an_error(tmp_path: Path) -> None:
    before = "from helpers import helper\nx = 2\ntry:\n    helper()\nexcept ValueError:\n    x = 3\n    raise"
    program = of_resource('"endpoint": {"params": {"x": x}}', before=before)
    converted = convert(tmp_path, program)
    assert (converted.status, converted.resource("items")["endpoint"]["params"]) == (0, {"x": 2})
