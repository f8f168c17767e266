"""Programs that build a configuration step by step: convert knows what they build, and runs nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from analytics_sync_tests.convert.converting import Converted, convert, of_resource

EXPECTED = """
source: shop
client:
  base_url: https://shop.example.com/v1
  auth: {type: bearer, token: 'dlt.secrets["token"]'}
resource_defaults: {primary_key: id, write_disposition: merge}
resources:
- name: orders
  endpoint: {path: orders, params: {limit: 50}, paginator: {type: offset, limit: 50}}
- name: items
  endpoint: {path: items, params: {limit: 50}, paginator: {type: offset, limit: 50}}
"""
CLIENT = '{"base_url": URL, "auth": {"type": "bearer", "token": dlt.secrets["token"]}}'
DEFAULTS = '{"primary_key": "id", "write_disposition": "merge"}'
ENDPOINT = '"params": {"limit": 50}, "paginator": {"type": "offset", "limit": 50}'
RESOURCES = ", ".join(f'{{"name": "{n}", "endpoint": {{"path": "{n}", {ENDPOINT}}}}}' for n in ("orders", "items"))  # fmt: skip
WHOLE = f'{{"client": {CLIENT}, "resource_defaults": {DEFAULTS}, "resources": [{RESOURCES}]}}'
OFFSET = "paginators.OffsetPaginator(50)"
LISTED = f'{{"name": name, "endpoint": {{"path": name, "params": {{"limit": SIZE}}, "paginator": {OFFSET}}}}}'  # fmt: skip

U = 'URL = "https://shop.example.com/v1"\n'
TOKEN = 'dlt.secrets["token"]'
AUTH = '{"type": "bearer", "token": dlt.secrets["token"]}'
PAGING = '{"type": "offset", "limit": 50}'
HEADER = """"headers": {"Authorization": f"Bearer {dlt.secrets['token']}"}"""

# A program, in which capital words stand for the texts above, and a text of WHOLE that another one replaces.
PROGRAMS = {
    "constants": ("U rest_api_source(WHOLE)",),
    "parts of a text": ('HOST = "shop.example.com"\nURL = f"https://{HOST}/v{1}"\nrest_api_source(WHOLE)',),
    "texts put together": ('URL = "https://{}/".format("shop.example.com") + "v%d" % 1\nrest_api_source(WHOLE)',),
    "constants of a class": ('class Shop:\n    URL = "https://shop.example.com/v1"\nrest_api_source(WHOLE)', "URL", "Shop.URL"),
    "an enumeration": ('from enum import Enum\nclass Shop(Enum):\n    URL = "https://shop.example.com/v1"\nrest_api_source(WHOLE)', "URL", "Shop.URL.value"),
    "other names of imports": ("U from dlt.sources.rest_api import rest_api_source as ras\nras(WHOLE)",),
    "the module's name": ("U from dlt.sources import rest_api\nrest_api.rest_api_source(WHOLE)",),
    "a named argument": ("U rest_api_source(config=WHOLE)",),
    "an annotated configuration": ("U config: RESTAPIConfig = WHOLE\n",),
    "a function with the annotation": ("U def config() -> RESTAPIConfig:\n    return WHOLE\n",),
    "a function that nobody calls": ("U def main():\n    dlt.pipeline('p').run(rest_api_source(WHOLE))\n",),
    "the main block": ("U def load(url):\n    rest_api_source(WHOLE)\n\nif __name__ == '__main__':\n    load(URL)\n", "URL", "url"),
    "a default": ("def load(URL='https://shop.example.com/v1'):\n    yield from rest_api_resources(WHOLE)\n",),
    "a secret as default": ("U @dlt.source(name='shop')\ndef s(token=dlt.secrets.value):\n    return rest_api_source(WHOLE)\n", TOKEN, "token"),
    "a default under a condition": ("U def s(url=None):\n    url = url or URL\n    if url is not None:\n        return rest_api_source(WHOLE)\n", "URL", "url"),
    "a function of functions": ("U def client():\n    return CLIENT\ndef config():\n    return WHOLE\nrest_api_source(config())", CLIENT, "client()"),
    "objects": ("U rest_api_source(WHOLE)", AUTH, f"BearerTokenAuth({TOKEN})"),
    "a paginator as an object": ("U rest_api_source(WHOLE)", PAGING, OFFSET),
    "an object by its own default": ("U rest_api_source(WHOLE)", TOKEN, "dlt.secrets.value"),
    "typed mappings": ("U from dlt.sources.rest_api.typing import ClientConfig\nrest_api_source(WHOLE)", CLIENT, f"ClientConfig(**{CLIENT})"),
    "unpacking": ('U base = {"client": CLIENT, "resource_defaults": {}}\nrest_api_source({**base, "resource_defaults": DEFAULTS, "resources": [*[RESOURCES]]})',),
    "union and update": ('U config = {"client": CLIENT} | {"resource_defaults": DEFAULTS}\nconfig.update({"resources": [RESOURCES]})\nrest_api_source(config)',),
    "a comprehension": ('U SIZE = 50\nrest_api_source({"client": CLIENT, "resource_defaults": DEFAULTS, "resources": [LISTED for name in ("orders", "items") if name]})',),
    "a loop": ('U SIZE = int("50")\nlisted = []\nfor i, name in enumerate(["orders", "items"]):\n    listed.append(LISTED)\nrest_api_source({"client": CLIENT, "resource_defaults": DEFAULTS, "resources": listed})',),
    "a mapping of names": ('U SIZE = 25 * 2\nlisted = []\nfor name, key in {"orders": "id", "items": "id"}.items():\n    listed += [LISTED]\nrest_api_source({"client": CLIENT, "resource_defaults": DEFAULTS, "resources": listed})',),
    "a configuration that is filled": ('U config = {"client": CLIENT, "resources": []}\nconfig["resource_defaults"] = DEFAULTS\nconfig["resources"].extend([RESOURCES])\nrest_api_source(config)',),
    "a copy": ("U import copy\nfirst = WHOLE\nconfig = copy.deepcopy(first)\nfirst['resources'].pop()\nrest_api_source(config)",),
    "a guard": ("U def s(token=dlt.secrets.value):\n    if not token:\n        raise ValueError('no token')\n    try:\n        return rest_api_source(WHOLE)\n    except Exception:\n        return None\n",),
    "a bearer header": ("U rest_api_source(WHOLE)", f'"auth": {AUTH}', HEADER),
    "a method": ("U class Loader:\n    def load(self):\n        dlt.pipeline('p').run(rest_api_source(WHOLE))\n",),
}  # fmt: skip
WORDS = {"CLIENT": CLIENT, "DEFAULTS": DEFAULTS, "RESOURCES": RESOURCES, "LISTED": LISTED}  # fmt: skip


def written(text: str, old: str = "", new: str = "") -> str:
    """The program of one form."""
    text = text.replace("WHOLE", WHOLE.replace(old, new) if old else WHOLE)
    for word, replacement in WORDS.items():
        text = text.replace(word, replacement)
    return U + text.removeprefix("U ") if text.startswith("U ") else text


def normal(data: dict[str, Any]) -> dict[str, Any]:
    """The same name for all programs, whose functions have names of their own."""
    return {**data, "source": "shop"}


@pytest.mark.parametrize("form", PROGRAMS)
def test_each_form_of_a_program_gives_the_same_file(form: str, tmp_path: Path) -> None:
    converted = convert(tmp_path, written(*PROGRAMS[form]))
    assert (converted.status, converted.said) == (0, "")
    assert normal(converted.file) == yaml.safe_load(EXPECTED)


SETTINGS = {
    'os.environ["SHOP_TOKEN"]': 'dlt.secrets["shop_token"]',
    'os.getenv("SOURCES__SHOP__TOKEN")': 'dlt.secrets["token"]',
    'os.environ.get("SHOP_TOKEN", "abc")': 'dlt.secrets["shop_token"]',
    'dlt.secrets["sources.shop.token"]': 'dlt.secrets["token"]',
    'dlt.secrets["shop"]["token"]': 'dlt.secrets["shop.token"]',
    'dlt.secrets.get("token")': 'dlt.secrets["token"]',
    'str(dlt.secrets["token"]).strip()': 'dlt.secrets["token"]',
}


@pytest.mark.parametrize("spelled", SETTINGS)
def test_settings_of_all_spellings_become_references(spelled: str, tmp_path: Path) -> None:
    program = f"""
        rest_api_source({{
            "client": {{"base_url": "https://shop.example.com", "auth": BearerTokenAuth(token={spelled})}},
            "resources": [{{"name": "items", "primary_key": "id"}}],
        }})
    """
    converted = convert(tmp_path, program)
    assert converted.status == 0
    assert converted.file["client"]["auth"] == {"type": "bearer", "token": SETTINGS[spelled]}


ADDRESSES = {
    'dlt.config["base_url"]': (None, "items"),
    'os.environ["BASE_URL"]': (None, "items"),
    """f"{dlt.config['sources.shop.base_url']}/api/v2/" """: (None, "api/v2/items"),
    """f"https://{dlt.config['region']}.example.com" """: (
        'https://{dlt.config["region"]}.example.com', "items",
    ),
    'os.getenv("BASE_URL", "https://shop.example.com")': ("https://shop.example.com", "items"),
}  # fmt: skip


@pytest.mark.parametrize("spelled", ADDRESSES)
def test_an_address_from_the_settings(spelled: str, tmp_path: Path) -> None:
    program = f'rest_api_source({{"client": {{"base_url": {spelled}}}, "resources": [{{"name": "items", "primary_key": "id"}}]}})'
    converted = convert(tmp_path, program)
    assert converted.status == 0
    address = converted.file["client"].get("base_url")
    assert (address, converted.resource("items")["endpoint"]["path"]) == ADDRESSES[spelled]


def test_basic_credentials_in_a_header_become_auth(tmp_path: Path) -> None:
    program = """
        import base64
        def source(key=dlt.secrets.value):
            words = base64.b64encode(f"{key}:".encode()).decode()
            return rest_api_source({
                "client": {"base_url": "https://shop.example.com", "headers": {"Authorization": f"Basic {words}"}},
                "resources": [{"name": "items", "primary_key": "id"}],
            })
    """
    auth = convert(tmp_path, program).file["client"]["auth"]
    assert auth == {"type": "http_basic", "username": 'dlt.secrets["key"]', "password": ""}


def test_lambdas_of_a_loop_see_its_last_round_as_in_python(tmp_path: Path) -> None:
    program = """
        rest_api_source({"client": {"base_url": "https://shop.example.com"}, "resources": [
            {"name": n, "primary_key": "id", "processing_steps": [{"filter": lambda x: x["kind"] == n}]}
            for n in ("a", "b")
        ]})
    """
    converted = convert(tmp_path, program)
    steps = [r["processing_steps"] for r in converted.file["resources"]]
    assert steps == [[{"filter": {"field": "kind", "value": "b"}}]] * 2


# A program whose x depends on a choice that only a run could make.
OPEN = {
    "a return in a loop": "def f():\n    for n in helper():\n        if n:\n            return 1\n    return 2\nx = f()",
    "items of a loop": "def f():\n    yield 1\n    for n in helper():\n        yield n\nx = list(f())",
    "items of a branch": "def f():\n    yield 1\n    if helper():\n        yield 2\nx = list(f())",
    "items of a match": "def f():\n    match helper():\n        case 1:\n            yield 1\n    yield 2\nx = list(f())",
    "a skipped round": "x = []\nfor n in [1, 2]:\n    if helper(n):\n        continue\n    x.append(n)",
    "a skipped round with a loop in it": "x = []\nfor n in [1, 2]:\n    if helper(n):\n        continue\n    for m in [1]:\n        x = [n]",
    "a last round": "x = 0\nfor n in [1, 2]:\n    if helper(n):\n        break\n    x = n",
    "a round of an inner loop": "x = 0\nfor n in [1, 2]:\n    for m in [3, 4]:\n        if helper(m):\n            break\n        x = n",
    "a list of two names": "x = [1]\ny = x\nif helper():\n    y += [2]",
    "an attribute of a class": "class Shop:\n    X = 1\nif helper():\n    Shop.X = 2\nx = Shop.X",
    "a function that a branch calls": "x = [1]\ndef f():\n    x.append(2)\nif helper():\n    f()",
    "a global name that a branch sets": "x = 1\ndef f():\n    global x\n    x = 2\nif helper():\n    f()",
    "a function that a branch defines": "def f():\n    return 1\nif helper():\n    def f():\n        return 2\nx = f()",
    "effects of a function of a branch": "x = [1]\ndef f():\n    pass\nif helper():\n    def f():\n        x.append(2)\nf()",
    "what follows a return": "x = [1]\ndef f():\n    if helper():\n        return\n    x.append(2)\nf()",
    "an operand": "x = [1]\nhelper() and x.append(2)",
    "an operand of or": "x = [1]\nhelper() or x.append(2)",
    "a side of a condition": "x = [1]\nx.append(2) if helper() else None",
    "a third comparison": "x = [1]\n1 < helper() < len(x.append(2) or [])",
    "a filter of a comprehension": "x = [1]\n[x.append(n) for n in [1, 2] if helper(n)]",
    "a comprehension of unknown items": "x = [1]\n[x.append(n) for n in helper()]",
    "a generator that nobody reads": "x = [1]\nitems = (x.append(n) for n in [1, 2])",
    "a generator function that nobody reads": "x = [1]\ndef f():\n    x.append(2)\n    yield 1\nf()",
    "a name in an expression": "x = 1\n[x := n for n in [2, 3] if helper(n)]",
    "a loop of rounds": "x = 0\ny = 1\nfor n in helper():\n    x = y\n    y = 2",
    "a loop under a condition": "x = [1]\nwhile helper():\n    x.append(2)",
    "a loop that a break ends": "x = [1]\nwhile True:\n    if helper():\n        break\n    x.append(2)",
    "the else of a loop": "x = 1\nfor n in [1]:\n    if helper():\n        break\nelse:\n    x = 2",
    "an error": "x = 1\ntry:\n    helper()\nexcept ValueError:\n    x = 2",
    "an error in between": "x = [1]\ntry:\n    x.append(2)\n    helper()\n    x.append(3)\nexcept ValueError:\n    pass",
    "an error that a branch raises": "x = 1\ntry:\n    if helper():\n        x = 2\n        raise ValueError\nexcept ValueError:\n    pass",
    "an error of a function": "x = 1\ndef f():\n    global x\n    if helper():\n        x = 2\n        raise ValueError\ntry:\n    f()\nexcept ValueError:\n    pass",
    "an error that is left out": "from contextlib import suppress\nx = 1\nwith suppress(ValueError):\n    helper()\n    x = 2",
    "a case": "x = 1\nmatch helper():\n    case 1:\n        x = 2",
    "a name of a case": "x = 1\nmatch helper():\n    case [x]:\n        pass",
    "a key that may be gone": "x = {'a': 1}\nif helper():\n    del x['a']",
    "keys that may be there": "d = {'a': 1}\nif helper():\n    d['b'] = 2\nx = list(d)",
    "a list in another one": "x = [1]\nd = {'l': x}\nif helper():\n    d['l'].append(2)",
    "an unknown name of a list": "x = [1]\ny = [x, []][helper()]\ny.append(2)",
    "code elsewhere": "x = [1]\nhelper(x)",
    "a list beside changed ones": "c, d, e = [], [], [1]\ny = c if helper() else d\nhelper(c, d)\nz = y + [e]\nz[0].append(2)\nx = e",
    "a function that orders items": "x = [1]\nmax([1, 2], key=lambda n: x.append(n) or n)",
    "code elsewhere that calls": "x = [1]\nhelper(lambda: x.append(2))",
    "an object of a class of the file": "x = [1]\nclass Shop:\n    def fill(self):\n        x.append(2)\nif helper():\n    Shop().fill()",
    "an unknown number of items": "x = [*helper(), 1][0]",
    "two equal lists": "y = [1]\nx = 1 if y is [1] else 2",
    "a slice without steps": "x = [1, 2][::0]",
    "a star import": "x = 1\nfrom helper import *",
    "a setting that may be false": "x = 1 if dlt.config['full'] else 2",
    "a default list": "def f(p=[]):\n    p.append(1)\n    return p\nif helper():\n    f()\nx = f()",
}  # fmt: skip


@pytest.mark.parametrize("form", OPEN)
def test_a_choice_that_only_a_run_could_make_is_a_to_do(form: str, tmp_path: Path) -> None:
    before = f"from helpers import helper\n{OPEN[form]}"
    converted = convert(tmp_path, of_resource('"endpoint": {"params": {"x": x}}', before=before))
    assert converted.status == 1
    assert "endpoint.params.x" in converted.said
    assert re.search("only a run could|outside of this file", converted.said)


def test_a_number_that_a_format_cuts_is_a_to_do(tmp_path: Path) -> None:
    converted = convert(tmp_path, of_resource('"endpoint": {"params": {"x": "%d" % 2.7}}'))
    assert (converted.status, "endpoint.params.x: a text with a format" in converted.said) == (
        1,
        True,
    )


NAMES = {
    "global": "x = 1\ndef f():\n    global x\n    x = 2\nf()",
    "nonlocal": "def f():\n    y = 1\n    def g():\n        nonlocal y\n        y = 2\n    g()\n    return y\nx = f()",
    "a group of errors": "x = 1\ntry:\n    x = 2\nexcept* ValueError:\n    pass",
    "a name in a comprehension": "[x := n for n in [1, 2]]",
    "a loop that counts": "x = 0\nwhile x < 2:\n    x += 1",
    "a decorator of the file": "def one_more(f):\n    return lambda: f() + 1\n@one_more\ndef f():\n    return 1\nx = f()",
    "a method of a class": "class Shop:\n    @classmethod\n    def of(cls, n):\n        return n\nx = Shop.of(2)",
    "a class that hides no name": "x = 2\nclass Shop:\n    x = 1\n    def of():\n        return x\nx = Shop.of()",
    "a tuple": "y = (1,)\nx = y\nx += (2,)\nx = len(x) * len(y)",
    "a call that is evaluated once": "x = 1\ndef f():\n    global x\n    x += 1\n    return dlt\nf().pipeline()",
    "a list in a list that repeats": "y = [1]\nz = [y] * 2\nz[0].append(2)\nx = len(z[1])",
    "chosen and ordered lists": "y = [0]\nsorted([[3], y])[0].append(1)\nmin([y, [3]]).append(2)\nlist(reversed([[3], y]))[0].append(3)\nx = len(y) - 2",
    "letters": "x = len(list('ab'))",
    "a sign of a truth value": "x = +True + 1",
    "two equal numbers that are two": "x = 1 if 1 is True or 1 is 1.0 else 2",
    "a shallow copy": "import copy\ny = {'a': [1]}\nz = copy.copy(y)\nz['a'].append(2)\nx = len(y['a'])",
    "a set": "x = len(set([1, 2, 2]))",
    "code that changes nothing": "import logging, requests\ny = {'a': 2}\nrequests.get('https://a.example.com', params=y)\nlogging.getLogger('a').info('%s', y)\nprint(y)\nx = y['a']",
    "a decorator of an object from outside": "from helpers import app\n@app.task(1)\ndef f():\n    return 2\nx = f()",
    "a branch that fails": "x = 2\nif os.environ['A'] == 'b':\n    x = 1\n    raise ValueError",
}  # fmt: skip


@pytest.mark.parametrize("form", NAMES)
def test_a_name_has_the_value_that_the_program_gives_it_last(form: str, tmp_path: Path) -> None:
    program = of_resource('"endpoint": {"params": {"x": x}}', before=NAMES[form])
    assert items(convert(tmp_path, program))["endpoint"]["params"] == {"x": 2}


def test_two_sources_are_two_files(tmp_path: Path) -> None:
    program = """
        def of(region):
            return {"client": {"base_url": f"https://{region}.example.com"}, "resources": [{"name": "items", "primary_key": "id"}]}

        europe = rest_api_source(of("eu"))
        for region in ["us", "jp"]:
            rest_api_source(of(region), name=f"shop_{region}")
        @dlt.source
        def africa():
            yield from rest_api_resources(of("za"))
    """
    converted = convert(tmp_path, program)
    found = {f["source"]: f["client"]["base_url"] for f in converted.files}
    assert found == {
        "europe": "https://eu.example.com",
        "shop_us": "https://us.example.com",
        "shop_jp": "https://jp.example.com",
        "africa": "https://za.example.com",
    }
    files = tmp_path / "files"
    assert convert(tmp_path, program, "--out", str(files)).status == 0
    assert sorted(f.name for f in files.glob("*.yaml")) == [
        "africa.yaml", "europe.yaml", "shop_jp.yaml", "shop_us.yaml",
    ]  # fmt: skip
    again = convert(tmp_path, program, "--out", str(files))
    assert (again.status, "exists already" in again.said) == (2, True)
    named = convert(tmp_path, program, "--name", "shop")
    assert (named.status, "makes 4 sources, and --name names one" in named.said) == (2, True)


def test_files_are_written_into_the_folder_only(tmp_path: Path) -> None:
    program = of_resource('"endpoint": "items"')
    files = tmp_path / "files"
    outside = convert(tmp_path, program, "--name", "../other/shop", "--out", str(files))
    assert (outside.status, "expected lower_snake_case" in outside.said) == (1, True)
    assert [f.name for f in files.glob("*.yaml")] == ["shop.yaml"]
    taken = tmp_path / "shop.py"
    refused = convert(tmp_path, program, "--out", str(taken))
    assert refused.status == 2
    assert f"{taken}: cannot be written: File exists; name another folder" in refused.said


def test_one_source_that_is_made_twice_is_one_file(tmp_path: Path) -> None:
    program = """
        @dlt.source
        def shop():
            return rest_api_source({"client": {"base_url": "https://shop.example.com"}, "resources": [{"name": "items", "primary_key": "id"}]})

        dlt.pipeline("first").run(shop())
        dlt.pipeline("second").run(shop().with_resources("items"))
    """
    assert convert(tmp_path, program).file["source"] == "shop"


def items(converted: Converted) -> dict[str, Any]:
    assert converted.said == ""
    return converted.resource("items")


@pytest.mark.parametrize(
    ("spelled", "read"),
    [
        ('"JSONLinkPaginator"', None),
        ("paginators.JSONLinkPaginator()", {"type": "json_link"}),
        ("paginators.JSONResponsePaginator(next_url_path='next')", {"type": "json_link", "next_url_path": "next"}),
        ("paginators.SinglePagePaginator()", {"type": "single_page"}),
        ("paginators.SinglePagePaginator", {"type": "single_page"}),
        ("paginators.HeaderLinkPaginator('more')", {"type": "header_link", "links_next_key": "more"}),
        ("paginators.HeaderCursorPaginator(cursor_key='X-Next')", {"type": "header_cursor", "cursor_key": "X-Next"}),
        ("paginators.PageNumberPaginator(base_page=1, total_path=None)", {"type": "page_number", "base_page": 1}),
        ("paginators.PageNumberPaginator(page=1)", {"type": "page_number", "base_page": 1}),
        ("paginators.PageNumberPaginator(0, stop_after_empty_page=False)",
         {"type": "page_number", "base_page": 0, "stop_after_empty_page": False, "total_path": "total"}),
        ('{"type": "json_response", "next_url_path": "next"}', {"type": "json_link", "next_url_path": "next"}),
        ("paginators.JSONResponseCursorPaginator('meta.next', 'after')", {"type": "cursor", "cursor_path": "meta.next", "cursor_param": "after"}),
    ],
)  # fmt: skip
def test_paginators(spelled: str, read: Any, tmp_path: Path) -> None:
    converted = convert(tmp_path, of_resource(f'"endpoint": {{"paginator": {spelled}}}'))
    assert converted.status == (1 if read is None else 0)
    if read is not None:
        assert items(converted)["endpoint"]["paginator"] == read
