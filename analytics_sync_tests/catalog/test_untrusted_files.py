"""Untrusted files: nothing in a catalog file runs, expands without limit or is filled in."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
import yaml

from analytics_sync.catalog import CatalogError, load_file
from analytics_sync.catalog.files.yaml_config import MAX_VALUES
from analytics_sync.catalog.from_python.reader import parse_python
from analytics_sync.cli import main
from analytics_sync_tests.catalog.test_secret_scan import SHOP, all_text, load
from analytics_sync_tests.support.growth import FACTOR, MAX_GROWTH, growth

# --- Python ----------------------------------------------------------------------------------

CONFIG = """
import pathlib
pathlib.Path({mark!r}).touch()
config = {{
    "client": {{"base_url": "https://api.example.com", "auth": {{"token": {token}}}}},
    "resources": [{{"name": "items", "primary_key": "id", "endpoint": "items"}}],
}}
"""


def test_convert_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark, file = tmp_path / "mark", tmp_path / "shop.py"
    for token, status in (
        ('dlt.secrets["t"]', 0), (f"open({str(mark)!r}, 'w')", 1), ('f"x{xyzzy}"', 1), ('"xyz" + "xyzzy"', 1),
        ('"xyzzy"', 1), ('"xyzzy" "', 2), ('b"xyzzy"', 1), ("dlt.secrets[open('xyzzy')]", 1), ("-" * 5000 + "1", 2),
        ("[" * 150 + "]" * 150, 2), ("\0", 2),
    ):  # fmt: skip
        file.write_text(CONFIG.format(mark=str(mark), token=token))
        assert main(["convert", str(file)]) == status, token
        printed = capsys.readouterr()
        assert bool(printed.out) == (status < 2)
        assert ("TODO" in printed.out) == (status == 1)
        assert "xyzzy" not in printed.out + printed.err, token
        if status:
            with pytest.raises(CatalogError) as caught:
                load_file(file)
            assert "xyzzy" not in all_text(caught.value)
    assert not mark.exists()


# --- YAML ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system [exit]", "!!python/object/new:os.system [exit]", "!!python/name:os.system ''",
        "!!python/module:os ''", "!!python/object/apply:os.system:map {a: b}", "!!python/tuple [a]", "!x:str a", "!ENV a",
        "!!binary aGk=", "!!set {a}", "!!omap [a: b]", "{!!python/name:os.system x: a}", "{? [a, b] : c}", "{? {a: b} : c}",
        "!!bool maybe", "!!int ''", "!!int five", "!!float ''", "!!map a", "!!seq a", "!!int [a]", "!!seq {a: b}", "0x" + "f" * 5000, "9" * 5000,
        ":".join("1" * 5000), "'\\ud800' \"\\ud800\"", "&a [*a]", "*nowhere",
    ],
)  # fmt: skip
@pytest.mark.parametrize("pure", [False, True], ids=["libyaml", "python"])
def test_yaml_builds_nothing_but_plain_data(
    text: str, pure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if pure:
        monkeypatch.setattr("analytics_sync.catalog.files.yaml_config._Loader", yaml.SafeLoader)
    with pytest.raises(CatalogError) as caught:
        load(SHOP.replace("page_size: 5", f"page_size: {text}"))
    assert caught.value.line in (0, 14)


def test_nothing_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSH", "filled")
    texts = ["$HUSH", "%(HUSH)s", "<%= HUSH %>", "env:HUSH"]
    params = "".join(f"        p{i}: '{text}'\n" for i, text in enumerate(texts))
    source = load(SHOP.replace("        page_size: 5\n", params))
    assert [*source.resources["items"].params.values()] == texts
    for text in ("${HUSH}", "{HUSH}", "{{ env.HUSH }", "{ env.HUSH }}", "a { b", "{}"):
        with pytest.raises(
            CatalogError, match=r"14: resource 'items': endpoint.params.page_size: .*expected"
        ):
            load(SHOP.replace("page_size: 5", f"page_size: '{text}'"))
    for path in ("/a/${HUSH}", "/a/{{ HUSH }}", "/a/{{HUSH}}"):
        with pytest.raises(CatalogError, match="there are no templates"):
            load(SHOP.replace("path: /items", f"path: '{path}'"))


def nested_aliases(first: str, item: str, levels: int) -> str:
    """YAML in which each level holds the level below ten times, as aliases."""
    rows = [f"l0: &l0 {first}"]
    for level in range(1, levels):
        items = ", ".join([item.format(level - 1)] * 10)
        rows.append(f"l{level}: &l{level} [{items}]")
    return "\n".join(rows) + "\n"


TOO_MUCH, TOO_LONG = "aliases written out", "that is no catalog file"
TOO_DEEP, INVALID = "nested deeper than 32 levels", "not valid YAML"
# name -> text, and words of the message
BOMBS: dict[str, tuple[str, str]] = {
    "billion laughs": (nested_aliases("[lol, lol]", "*l{}", 12), TOO_MUCH),
    "billion laughs as mappings": (nested_aliases("{a: lol}", "{{? a : *l{0}, b: *l{0}}}", 12), TOO_MUCH),
    "as a key": (nested_aliases("[lol, lol]", "*l{}", 12) + "? *l11\n: x\n", TOO_MUCH),
    "a text many times": (f"a: &a {'x' * 2_000}\nb: [{'*a, ' * 20_000}]\n", TOO_MUCH),
    "huge": (SHOP + "#" * 1_100_000, TOO_LONG),
    "many values": (SHOP.replace("page_size: 5", f"a: [{'1,' * 200_000}]"), TOO_MUCH),
    **{f"deep {sign}": ("a: " + sign * (500_000 // len(sign)), TOO_DEEP) for sign in ("[", "{a: ", "&a [", "[{")},
    **{f"deep {sign}": ("a: " + sign * (500_000 // len(sign)), INVALID) for sign in ("- ", "? ")},
    "deep, closed": ("a: " + "[" * 100_000 + "]" * 100_000, TOO_DEEP),
    "deep lines": ("\n".join(" " * i + "a:" for i in range(1200)), TOO_DEEP),
}  # fmt: skip
MAX_CALLS = 50 * MAX_VALUES


def count_calls(work: Callable[[], object]) -> int:
    """The number of function calls that ``work`` makes. More than ``MAX_CALLS`` are an error."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}
        assert calls <= MAX_CALLS, f"more than {MAX_CALLS:,} function calls"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_an_error_after_few_steps(name: str) -> None:
    text, words = BOMBS[name]

    def refuse() -> None:
        with pytest.raises(CatalogError, match=words) as caught:
            load(text)
        assert len(str(caught.value)) < 1000

    count_calls(refuse)


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(CatalogError, match="longer than"):
        load_file(Path("/dev/zero"))


def test_python_of_more_than_1_mib_is_not_parsed() -> None:
    with pytest.raises(CatalogError, match="longer than"):
        parse_python("#" * 1_100_000, "x.py")


PYTHON_OF_LENGTH: dict[str, Callable[[int], str]] = {
    "parentheses": lambda length: "(" * length,
    "signs": lambda length: "x = " + "-" * length + "1",
    "dots": lambda length: "a." * (length // 2),
}


@pytest.mark.parametrize("form", PYTHON_OF_LENGTH)
def test_the_time_to_refuse_python_is_proportional_to_the_text(form: str) -> None:
    def refuse(text: str) -> None:
        with pytest.raises(CatalogError, match="not valid Python"):
            parse_python(text, "x.py")

    assert growth(refuse, PYTHON_OF_LENGTH[form]) < MAX_GROWTH, f"{FACTOR} times the text"


# What Python can read and no catalog file can hold: a value, and a part of the message.
UNWRITABLE = {
    "hexadecimal": ("0x" + "f" * 20_000, "256 bits"),
    "octal": ("0o" + "7" * 20_000, "256 bits"),
    "binary": ("0b" + "1" * 20_000, "256 bits"),
    "a decimal that Python reads": ("9" * 4000, "256 bits"),
    "a decimal that Python refuses": ("9" * 20_000, "not valid Python"),
    "half a character": ("'\\ud800'", "half a character"),
}
PLACES = {
    "value": '{"client": {"max_pages": VALUE}, "resources": ["a"]}',
    "key": '{"client": {VALUE: 1}, "resources": ["a"]}',
    "element": '{"client": {}, "resources": ["a", VALUE]}',
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", UNWRITABLE)
def test_a_value_that_no_file_can_hold_is_an_error_with_its_line(
    name: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value, problem = UNWRITABLE[name]
    file = tmp_path / "shop.py"
    file.write_text("\nsource = rest_api_source(\n" + PLACES[place].replace("VALUE", value) + ")\n")
    assert main(["convert", str(file)]) == (2 if problem == "not valid Python" else 1)
    told = capsys.readouterr().err
    assert "shop.py:3" in told
    assert problem in told
    assert len(told) < 1000


def test_a_large_number_is_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "shop.py"
    number = 2**200
    resource = f'{{"name": "a", "primary_key": "id", "endpoint": {{"path": "/a", "params": {{"n": {number:#x}}}}}}}'
    file.write_text(f'rest_api_source({{"client": {{}}, "resources": [{resource}]}})')
    assert main(["convert", str(file)]) == 0
    assert f"n: {number}" in capsys.readouterr().out
