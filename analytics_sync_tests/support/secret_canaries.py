"""Secrets that are looked for wherever a run leaves something.

In: a folder, a way to fail. Out: a run of every source with every kind of credential, by the command
people use, with all logging at DEBUG; and what each sink holds, as text. The search knows nothing of
the code that hides them.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

import duckdb

from analytics_sync_tests.support.scripted_api import Api, Raw
from analytics_sync_tests.support.world import ROOT

CANARIES = {
    "header": "Kx7Qm2Vt9Rb4Lw8Zc1Np6Ys3Hd5Jf0Ga",
    "second_header": "a\"b\\c'd %2F+/=&?#<>Qz81Lk20Mv93",
    "path": "room/77:ab cd+Wq5Et8Yu2Io",
    "query": "v=1&w=2;x Pl9Ok8Ij7Uh6",
    "key_in_query": "L" + "0123456789abcdefghijABCDEFGHIJ" * 20,
    "bearer": "hdr9Aa.eyK7bodyXq2Wz5.sigN3Mm8Tt",
    "password": "p@ss:w/ord?#Zx3Cv6Bn9",
    "pair": base64.b64encode(b"somebody:p@ss:w/ord?#Zx3Cv6Bn9").decode(),
    "short": "Sh0rt8ch",
    "base64": base64.b64encode(bytes(range(180, 250))).decode(),
    "key_of_links": "links-carry-me-Ee4Rr5Tt6",
    "database": "db+pass/Gg5Hh6Jj7Kk8",
}
ENVIRONMENT = {
    "SOURCES__ONE__API_KEY": CANARIES["header"],
    "SOURCES__ONE__APP_KEY": CANARIES["second_header"],
    "SOURCES__ONE__ROOM": CANARIES["path"],
    "SOURCES__ONE__WORD": CANARIES["query"],
    "SOURCES__TWO__API_KEY": CANARIES["key_in_query"],
    "SOURCES__THREE__TOKEN": CANARIES["bearer"],
    "SOURCES__FOUR__PASSWORD": CANARIES["password"],
    "SOURCES__FIVE__API_KEY": CANARIES["short"],
    "SOURCES__SIX__TOKEN": CANARIES["base64"],
    "SOURCES__SEVEN__API_KEY": CANARIES["key_of_links"],
}
_KEY = "type: api_key, api_key: 'dlt.secrets[\"api_key\"]'"
_TOKEN = "{type: bearer, token: 'dlt.secrets[\"token\"]'}"
_PLAIN = "/items"
SOURCES = {
    "one": (f"{{{_KEY}, name: X-Key}}", "/items/{room}"),
    "two": (f"{{{_KEY}, name: k, location: query}}", _PLAIN),
    "three": (_TOKEN, _PLAIN),
    "four": (
        "{type: http_basic, username: somebody, password: 'dlt.secrets[\"password\"]'}",
        _PLAIN,
    ),
    "five": (f"{{{_KEY}, name: X-Key}}", _PLAIN),
    "six": (_TOKEN, _PLAIN),
    "seven": (f"{{{_KEY}, name: k, location: query}}", _PLAIN),
}
_FILE = """
source: {name}
client:
  auth: {auth}
  error_handler: {{max_retries: 0}}
  connect_timeout: 2
  read_timeout: 2
  max_response_bytes: 100000
  headers: {headers}
resources:
  - name: items
    primary_key: id
    columns: {{id: text, note: text}}
    endpoint: {{path: "{path}", data_selector: data, params: {params},
      paginator: {{type: {paginator}}}}}
"""
_LINKS = "json_link, next_url_path: next"
_CURSOR = "cursor, cursor_param: after, cursor_path: next"


@dataclass(frozen=True)
class Kind:
    """A way to answer, or not to. ``answer`` gets path, query, headers and this server's address."""

    answer: Callable[..., Any] | None = None
    address: str = ""
    paginator: str = _LINKS
    environment: Mapping[str, str] | None = None
    before: str = ""


def _echo(path: str, query: Any, headers: Any, **_: Any) -> str:
    """What careless servers put into their answers: the whole request."""
    target = f"{path}?" + "&".join(f"{n}={quote(str(v))}" for n, v in query.items())
    return f"you sent {target} {json.dumps(dict(headers))} {json.dumps(query)}"


def _status(status: int, body: Callable[[str], Any]) -> Callable[..., Any]:
    def answer(*asked: Any, **more: Any) -> Any:
        return status, {}, body(_echo(*asked))

    return answer


def _page(**more: Callable[[Any, str], Any]) -> Callable[..., Any]:
    """A page of one record, and what ``more`` makes of the request and the other server's address."""

    def answer(path: str, query: Any, headers: Any, *, here: str, away: str) -> Any:
        if "page" in query:
            return {"data": [{"id": "2"}]}
        echo = _echo(path, query, headers)
        about = {"echo": echo, "here": here, "away": away, "query": query, "path": path}
        return {"data": [{"id": "1"}], **{n: make(about, echo) for n, make in more.items()}}

    return answer


def _with_all(about: Any, address: str) -> str:
    pairs = "&".join(f"{n}={quote_plus(str(v))}" for n, v in about["query"].items())
    return f"{address}{about['path']}?{pairs}&page=2&note={quote(about['echo'])[:3000]}"


def _redirect(away: bool) -> Callable[..., Any]:
    def answer(path: str, query: Any, headers: Any, *, here: str, away: str) -> Any:
        about = {"query": query, "path": path, "echo": _echo(path, query, headers)}
        to = _with_all(about, away if off else here).replace("page=2", "page=")
        return 302, {"Location": to}, {}

    off = away
    return answer


KINDS: dict[str, Kind] = {
    "well": Kind(_page()),
    "refused 401": Kind(_status(401, lambda echo: {"error": echo})),
    "refused 403": Kind(_status(403, lambda echo: {"message": echo, "more": [echo]})),
    "not found": Kind(_status(404, lambda echo: echo.encode())),
    "too many": Kind(_status(429, lambda echo: {"error": echo})),
    "broken server, a page": Kind(_status(500, lambda echo: f"<h1>{echo}</h1>".encode())),
    "a page in place of data": Kind(_status(200, lambda echo: f"<html>{echo}".encode())),
    "an error in place of data": Kind(_status(200, lambda echo: {"error": echo})),
    "cut data": Kind(_status(200, lambda echo: json.dumps({"data": [echo]})[:-3].encode())),
    "a long answer cut in a key": Kind(
        _status(502, lambda echo: ("x" * 250 + echo).encode())
    ),
    "records that repeat it": Kind(
        _page(data=lambda _, echo: [{"id": "1", "note": echo, "more": {"x": [echo]}}])
    ),
    "records that cannot be placed": Kind(_page(data=lambda _, echo: [{"note": echo}, echo])),
    "links that repeat it": Kind(_page(next=lambda a, _: _with_all(a, a["here"]))),
    "links to elsewhere": Kind(_page(next=lambda a, _: _with_all(a, a["away"]))),
    "a cursor that repeats it, and itself": Kind(
        _page(next=lambda _, echo: echo), paginator=_CURSOR
    ),
    "redirected elsewhere": Kind(_redirect(True)),
    "redirected for ever": Kind(_redirect(False)),
    "too large": Kind(_status(200, lambda echo: {"data": [echo] * 2000})),
    "reset": Kind(lambda *_, **__: Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", True)),
    "nobody there": Kind(address="http://127.0.0.1:9"),
    "no such host": Kind(address="https://nowhere.invalid"),
    "no certificate": Kind(_page(), address="https"),
    "a warehouse that refuses": Kind(
        _page(),
        environment={
            "ANALYTICS_SYNC__DESTINATION": "postgres",
            "DESTINATION__POSTGRES__CREDENTIALS": (
                f"postgresql://me:{quote(CANARIES['database'], safe='')}@127.0.0.1:9/db"
            ),
        },
    ),
    "warehouse settings that are spelled wrong": Kind(
        _page(),
        environment={
            "ANALYTICS_SYNC__DESTINATION": "postgres",
            "DESTINATION__POSTGRES__CREDENTIALS": f"postgres//me:{CANARIES['database']}@::1:x/db",
        },
    ),
    "a mistake of ours": Kind(
        _page(), before="import os\nimport analytics_sync.extract.reader as r\n"
        "def broken(*a, **k): raise KeyError(a, k, [v for n, v in sorted(os.environ.items()) if f'__{a[1].source.upper()}_' in n])\n"
        "r.select = broken",
    ),
    "killed in the load": Kind(
        _page(data=lambda _, echo: [{"id": "1", "note": echo}]),
        before="import dlt, os\n"
        "dlt.Pipeline.load = lambda *a, **k: os.kill(os.getpid(), 9)",
    ),
}  # fmt: skip

QUERY = """{ runsOrError { ... on Runs { results { runId runConfigYaml tags { key value }
  eventConnection { events { ... on MessageEvent { message }
    ... on ErrorEvent { error { message stack errorChain { error { message stack } } } }
    ... on ExecutionStepFailureEvent { failureMetadata { description
        metadataEntries { label description ... on TextMetadataEntry { text } } } }
    ... on MaterializationEvent { metadataEntries { label description
        ... on TextMetadataEntry { text } } } } } } } }
  assetNodes { assetKey { path } description metadataEntries { label description } } }"""


class Canaries:
    """A folder with everything that one way to fail leaves behind.

    Args:
        folder: Empty.
        kind: Of failure.
        here: Serves the sources.
        away: Should never be asked.
    """

    def __init__(self, folder: Path, kind: Kind, here: Api, away: Api) -> None:
        self.folder = folder
        self.kind = kind
        self.here = here
        self.warehouse = folder / "w.duckdb"
        for name in ("catalog", "home", "tmp"):
            (folder / name).mkdir()
        for name, (auth, path) in SOURCES.items():
            one = name == "one"
            params = "{room: {type: secret, key: room}, word: {type: secret, key: word}}"
            headers = "{X-App: {type: secret, key: app_key}}"
            text = _FILE.format(
                name=name, auth=auth, path=path, paginator=kind.paginator,
                params=params if one else "{}", headers=headers if one else "{}",
            )  # fmt: skip
            (folder / "catalog" / f"{name}.yaml").write_text(text)
        (folder / "home" / "dagster.yaml").write_text(
            "telemetry: {enabled: false}\n"
            "python_logs: {python_log_level: DEBUG, managed_python_loggers: [root]}\n"
        )
        if kind.answer is not None:
            make = kind.answer
            here.on("*", lambda *asked: make(*asked, here=here.url, away=away.url))

    @property
    def _environment(self) -> dict[str, str]:
        address = self.kind.address or self.here.url
        if address == "https":
            address = self.here.url.replace("http:", "https:")
        bases = {f"SOURCES__{name}__BASE_URL".upper(): address for name in SOURCES}
        return {
            **{n: v for n, v in os.environ.items() if not n.startswith(("SOURCES__", "DLT_"))},
            **bases,
            **ENVIRONMENT,
            "ANALYTICS_SYNC__CATALOG_DIR": str(self.folder / "catalog"),
            "DESTINATION__DUCKDB__CREDENTIALS": str(self.warehouse),
            "DAGSTER_HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONPATH": str(ROOT),
            "RUNTIME__LOG_LEVEL": "DEBUG",
            "NO_PROXY": "127.0.0.1,localhost",
            **(self.kind.environment or {}),
        }

    def run(self) -> Iterator[tuple[str, str]]:
        """Materialize everything; then every sink with what it holds."""
        groups = " or ".join(f'group:"{name}"' for name in SOURCES)
        code = (
            "import logging, sys; logging.basicConfig(level=logging.DEBUG)\n"
            f"{self.kind.before}\n"
            "from dagster._cli import main\n"
            f"sys.argv = ['dagster', 'asset', 'materialize', '--select', {groups!r}, "
            "'-m', 'analytics_sync.definitions']\nmain()"
        )
        done = self._python(code)
        yield "standard output", done.stdout
        yield "standard error", done.stderr
        assert done.returncode or self.kind.answer, "it cannot have come through"
        if self.kind.before.endswith("9)"):
            assert done.returncode == -9
        yield from self._files("temporary files", self.folder / "tmp")
        yield from self._files("Dagster's files", self.folder / "home")
        for path in (self.folder / "home").rglob("*.db"):
            yield f"Dagster's {path.name}", _sqlite(path)
        if self.warehouse.exists():
            yield "warehouse file", self.warehouse.read_bytes().decode("latin-1")
            yield "tables", _tables(self.warehouse)
        yield from self._files("the folder of the run", self.folder, deep=False)
        asked = self._python(
            "import sys; from dagster_graphql.cli import main\n"
            f"sys.argv = ['dagster-graphql', '-m', 'analytics_sync.definitions', '-t', {QUERY!r}]\n"
            "main()"
        )
        assert '"runId"' in asked.stdout, asked.stderr[-2000:]
        yield "GraphQL", asked.stdout
        command = "from analytics_sync.cli import main; main(['settings'])"
        yield "analytics-sync settings", self._python(command).stdout

    def _python(self, code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code], env=self._environment, cwd=self.folder,
            capture_output=True, text=True, errors="replace", timeout=120, check=False,
        )  # fmt: skip

    def _files(self, name: str, folder: Path, deep: bool = True) -> Iterator[tuple[str, str]]:
        for path in folder.rglob("*") if deep else folder.glob("*"):
            if path.is_file():
                yield f"{name}: {path.name}", path.read_bytes().decode("latin-1")
                yield f"{name}: a name", str(path)


def _sqlite(path: Path) -> str:
    """Every value: in the file itself, long ones are in pieces."""
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.text_factory = lambda raw: raw.decode("utf-8", "replace")
        tables = [n for (n,) in file.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return "\n".join(str(row) for t in tables for row in file.execute(f'SELECT * FROM "{t}"'))


def _tables(path: Path) -> str:
    """Every value and every name."""
    with duckdb.connect(str(path), read_only=True) as file:
        names = file.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
        rows = [str(names), str(file.execute("SELECT * FROM duckdb_columns()").fetchall())]
        for schema, table in names:
            found = file.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall()
            rows += [value if isinstance(value, str) else str(value) for r in found for value in r]
        return "\n".join(rows)


def traces_of(secret: str) -> set[str]:
    """How a secret, or half of one, may be written."""
    half = len(secret) // 2
    parts = {secret} | ({secret[:half], secret[half:]} if len(secret) >= 16 else set())
    found = set()
    for part in parts:
        found |= {part, quote(part, safe=""), quote(part), quote_plus(part), repr(part)[1:-1]}
        found |= {json.dumps(part)[1:-1], json.dumps(json.dumps(part))[3:-3]}
    for shift in range(3):
        coded = base64.b64encode(b"~" * shift + secret.encode()).decode()
        found.add(coded[4 : len(coded) - 4])
    return {form for form in found if len(form) >= 8}


def host(url: str) -> str:
    """Host and port of an address."""
    return urlsplit(url).netloc
