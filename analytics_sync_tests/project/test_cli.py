"""Tests of the ``analytics-sync`` command: version, demo, dev, check, settings, convert."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import duckdb
import pytest
import urllib3
from dagster import DagsterInstance

from analytics_sync.catalog import load_file
from analytics_sync.cli import main
from analytics_sync_tests.support.world import ROOT

CONFIG = """
import dlt
from dlt.sources.rest_api import rest_api_source

source = rest_api_source({
    "client": {"base_url": "https://api.example.com", "auth": {"type": "bearer", "token": dlt.secrets["t"]}},
    "resources": [
        {"name": "things", "primary_key": "id",
         "endpoint": {"path": "things", "data_selector": [], "paginator": {"type": "offset", "limit": 10}}},
    ],
})
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_version_is_the_one_of_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    command = Path(sys.executable).with_name("analytics-sync")
    done = subprocess.run(
        [command, "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"analytics-sync {project['version']}\n")
    assert done.stderr == ""


def test_the_demo_syncs_everything_and_ends_with_a_table(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "analytics_sync.cli", "demo", "--days", "2"],
        env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "not a real API" in done.stdout
    row = r"^(\w+)/(\w+) +([\d,]+) +[\d,]+ +[\d,]+ +0 +[\d.]+ +(\d+)/(\d+)$"
    rows = re.findall(row, done.stdout, re.MULTILINE)
    assert len({(source, resource) for source, resource, *_ in rows}) == 60
    assert all(passed == of and of in "678" for *_, passed, of in rows)
    assert all(count != "0" for _, _, count, _, _ in rows)
    totals = r"60 of 60 assets loaded, [\d,]+ rows, 388 of 388 checks passed"
    assert re.search(totals, done.stdout)
    assert "make dev" in done.stdout
    commands = re.findall(r"^\$ analytics-sync (.*)$", done.stdout, re.MULTILINE)
    runs = [c.split()[1] for c in commands if c.startswith("run ")]
    assert runs == ["'*'", "observability/incidents", "observability/incidents"]
    with DagsterInstance.from_config(str(tmp_path / ".demo" / "dagster")) as instance:
        repaired, failed, first = [r.dagster_run for r in instance.get_run_records()]
    assert [r.status.value for r in (first, failed, repaired)] == ["SUCCESS", "FAILURE", "SUCCESS"]
    for run in (first, failed, repaired):  # the timeline of the UI leaves out runs without it
        assert run.remote_job_origin is not None
        assert run.remote_job_origin.location_name == "analytics_sync"
    warehouse = tmp_path / ".demo" / "warehouse.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        sql = "SELECT count(*) FROM delivery.builds"
        assert connection.execute(sql).fetchall()[0][0] > 0
    assert {p.name for p in tmp_path.iterdir()} == {".demo"}, "the demo keeps to its folder"
    assert (tmp_path / ".demo").stat().st_mode & 0o777 == 0o700
    assert warehouse.stat().st_mode & 0o777 == 0o600


def test_dev_serves_the_ui_on_loopback_and_ends_with_its_sandbox(tmp_path: Path) -> None:
    (tmp_path / "workspace.yaml").write_text((ROOT / "workspace.yaml").read_text())
    process = subprocess.Popen(
        [sys.executable, "-m", "analytics_sync.cli", "dev", "--port", "0"],
        env=environment(), cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        sandbox = re.search(r"http://127\.0\.0\.1:\d+", lines[0])
        ui = re.search(r"http://127\.0\.0\.1:\d+", lines[1])
        assert sandbox is not None
        assert ui is not None, lines
        deadline = time.monotonic() + 90
        while True:
            try:
                assert urllib3.request("GET", f"{ui[0]}/server_info", retries=False).status == 200
                break
            except urllib3.exceptions.HTTPError:
                assert time.monotonic() < deadline
                time.sleep(0.3)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", f"{sandbox[0]}/_sandbox", retries=False)


def test_dev_terminated_at_its_start_leaves_no_sandbox(tmp_path: Path) -> None:
    shutil.copy(ROOT / "workspace.yaml", tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "analytics_sync.cli", "dev", "--port", "0"],
        env=environment(), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    log = tmp_path / ".demo" / "sandbox.log"
    deadline = time.monotonic() + 60
    while not log.exists() or "sandbox on" not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) != 0
    sandbox = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
    assert sandbox is not None
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", f"{sandbox[0]}/_sandbox", retries=False)


def process_with_argument(text: str) -> Path:
    """The folder in ``/proc`` of the process with this text in its command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if text.encode() in path.read_bytes():
                return path.parent
    raise LookupError(text)


def test_the_sandbox_of_dev_gets_no_secrets(tmp_path: Path) -> None:
    shutil.copy(ROOT / "workspace.yaml", tmp_path)
    secrets = {
        "SOURCES__SHOP__API_KEY": "canary-of-a-source",
        "DESTINATION__POSTGRES__CREDENTIALS": "postgresql://me:canary-of-a-destination@localhost/db",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "analytics_sync.cli", "dev", "--port", "0"],
        env={**environment(), **secrets}, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    log = tmp_path / ".demo" / "sandbox.log"
    try:
        deadline = time.monotonic() + 60
        while not log.exists() or "sandbox on" not in log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        sandbox = process_with_argument(f"{tmp_path}/.demo/sandbox.env")
        assert b"canary" not in (sandbox / "environ").read_bytes()
        assert b"canary" not in (sandbox / "cmdline").read_bytes()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def test_check_says_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert "ci_pipelines: 12 assets, 4 partitioned" in capsys.readouterr().out


def test_check_of_a_wrong_file_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("source: x\nclient: {}\nresources:\n  - name: a\n    colums: {}\n")
    assert main(["check", str(wrong)]) == 2
    assert capsys.readouterr().err == (
        "wrong.yaml:5: resource 'a': colums: unknown key; look at its spelling and its place\n"
    )


def test_settings_say_what_is_missing_and_never_a_value(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__DELIVERY__API_KEY", "very-secret")
    assert main(["settings", "delivery"]) == 1
    out, err = capsys.readouterr()
    assert re.search(r"SOURCES__DELIVERY__API_KEY +set", out)
    assert re.search(r"SOURCES__DELIVERY__ACCOUNT_ID +MISSING", out)
    assert re.search(r"SOURCES__DELIVERY__REPORT_NAME +optional", out)
    assert "very-secret" not in out
    missing = len(re.findall(r" MISSING ", out))
    assert err.startswith(f"{missing} settings are missing")


def test_settings_have_a_status_for_those_that_are_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BASE_URL", "API_KEY", "ACCOUNT_ID"):
        monkeypatch.setenv(f"SOURCES__DELIVERY__{name}", "https://api.test")
    assert main(["settings", "delivery"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["settings"]) == 1, "the other sources have no settings"
    for name in ("CI_PIPELINES", "CUSTOMER_DATA", "OBSERVABILITY", "PRODUCT_GUIDANCE"):
        monkeypatch.setenv(f"SOURCES__{name}__ENABLED", "false")
    assert main(["settings"]) == 0, "a source that is off needs none"
    assert main(["settings", "ci_pipelines"]) == 1, "unless somebody asks for it"
    monkeypatch.setenv("SOURCES__DELIVERY__API_KEY", " key")
    capsys.readouterr()
    assert main(["settings"]) == 1, "a run would fail for the space"
    assert "1 setting is missing, or begin" in capsys.readouterr().err


def test_settings_of_a_file_of_the_user(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder := tmp_path / "catalog").mkdir()
    shutil.copy(ROOT / "examples" / "shop.yaml", folder)
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(folder))
    monkeypatch.setenv("SOURCES__OBSERVABILTY__API_KEY", "very-secret")
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", " very-secret")
    monkeypatch.setenv("SOURCES__SHOP__BASE_UR", "https://very-secret.com")
    monkeypatch.setenv("ANALYTICS_SYNC__START_DAY", "2025-01-01")
    assert main(["settings"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"SOURCES__SHOP__API_KEY +set", out)
    assert re.search(r"SOURCES__DELIVERY__API_KEY +MISSING", out)
    assert out.splitlines()[-4:] == [
        "hint: SOURCES__SHOP__API_KEY begins or ends with a space",
        "hint: ANALYTICS_SYNC__START_DAY is not read: did you mean ANALYTICS_SYNC__START_DATE?",
        "hint: SOURCES__OBSERVABILTY__API_KEY is not read: did you mean SOURCES__OBSERVABILITY__API_KEY?",
        "hint: SOURCES__SHOP__BASE_UR is not read: did you mean SOURCES__SHOP__BASE_URL?",
    ]
    assert "very-secret" not in out


def test_settings_of_one_source_do_not_wait_for_a_broken_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder := tmp_path / "catalog").mkdir()
    (folder / "wrong.yaml").write_text("source: [")
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(folder))
    for arguments, status in (([], 2), (["delivery"], 1), (["wrong"], 2)):
        assert main(["settings", *arguments]) == status
        printed = capsys.readouterr()
        assert "catalog/wrong.yaml:2: not valid YAML" in printed.err
        assert ("SOURCES__DELIVERY__API_KEY" in printed.out) == (arguments != ["wrong"])


def test_settings_of_an_unknown_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "nope"]) == 2
    assert "known: ci_pipelines" in capsys.readouterr().err


def test_convert_makes_a_file_that_loads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = tmp_path / "config.py"
    python.write_text(CONFIG)
    assert main(["convert", str(python), "--name", "shop"]) == 0
    converted = tmp_path / "shop.yaml"
    converted.write_text(capsys.readouterr().out)
    assert load_file(converted).resources == load_file(python, name="shop").resources


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("gone.py", "gone.py: cannot be read: there is no such file; look at its path"),
        ("folder.py", "folder.py: cannot be read: it is a folder; name a file in it"),
        ("binary.py", "binary.py:2: cannot be read: this line is no text in UTF-8; save the file"),
        ("loop.py", "loop.py: cannot be read: Too many levels of symbolic links; look at its path"),
        ("gone.yaml", "gone.yaml: is YAML already; look at it with analytics-sync check"),
        ("empty.py", "empty.py: no rest_api_source({...}) call found; "),
        ("-", "standard input: the source has no name yet; add --name NAME"),
    ],
)
def test_convert_of_no_configuration_is_one_line_and_status_2(
    file: str,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.py").mkdir()
    Path("binary.py").write_bytes(b"x = 1\n\xff\x00")
    Path("loop.py").symlink_to("loop.py")
    Path("empty.py").write_text("x = 1\n")
    for command in ("convert", "check") if file.endswith(".py") else ("convert",):
        assert main([command, file]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        if (command, file) != ("check", "folder.py"):
            assert err.startswith(said)


@pytest.mark.slow
def test_convert_reads_standard_input() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "analytics_sync.cli", "convert", "-", "--name", "shop"],
        env=environment(), input=CONFIG, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("source: shop\n")


def test_convert_reads_a_pipe_which_gives_its_text_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(pipe := tmp_path / "config.py")
    writer = threading.Thread(target=pipe.write_text, args=(CONFIG,), daemon=True)
    writer.start()
    assert main(["convert", str(pipe), "--name", "shop"]) == 0
    writer.join(timeout=10)
    assert capsys.readouterr().out.splitlines()[1] == "source: shop"


@pytest.mark.parametrize(
    "command",
    ["", "run", "demo", "dev", "check", "settings", "convert", "infer", "json-schema", "sources", "schema", "schema diff", "schema heal",
     "schema reset", "list", "describe", "plan", "preview", "lint", "test", "doctor", "completion", "destinations",
     "alert-test", "trouble"],
)  # fmt: skip
def test_help_explains_each_command_in_plain_text(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*command.split(), "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert "``" not in text
    usage, description, *_ = text.split("\n\n")
    assert usage.startswith(f"usage: analytics-sync {command}".rstrip())
    assert description[0].isupper(), "a sentence"
    assert description.endswith(".")
    described = re.findall(
        r"^  (?:-\w(?: [A-Z]+)?, )?(--?[\w-]+|\w+)(?: [A-Z.=]+)?( {2,}|\n {10,})\S", text, re.M
    )
    listed = re.findall(r"^  (?:-\w(?: [A-Z]+)?, )?(--?[\w-]+|\w+)", text, re.M)
    assert [name for name, _ in described] == [
        n for n in listed if n != "COMMAND" and n != "ACTION"
    ]


def test_help_loads_no_catalog_and_no_library() -> None:
    script = (
        "import sys; from analytics_sync.cli import main\n"
        "try: main(['check', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & {'dlt', 'dagster', 'pydantic', 'yaml', 'duckdb'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, timeout=60, check=True
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_a_closed_pipe_is_no_traceback() -> None:
    done = subprocess.run(
        f"{sys.executable} -m analytics_sync.cli sources | true; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["sources", "settings", "check", "schema diff"])
def test_a_wrong_setting_of_the_project_is_one_line_and_status_2(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", "yesterday")
    assert main(command.split()) == 2
    assert capsys.readouterr().err == (
        "ANALYTICS_SYNC__START_DATE is 'yesterday'; expected a day such as 2025-01-01\n"
    )


def test_check_looks_at_the_destination(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "filesystem")
    assert main(["check"]) == 2
    assert "ANALYTICS_SYNC__DESTINATION to a tested one: DuckDB, " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'a = 1\nkey = very-secret\n', ":2: this is not valid TOML. Correct the line, for example its quotes."),
        pytest.param(b'key = [', ": this is not valid TOML, it ends within a value. Complete it.", marks=pytest.mark.slow),
        pytest.param(b'key = "\xff"', ": this is no text in UTF-8. Save the file in UTF-8.", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_a_damaged_file_of_settings_is_one_line_that_quotes_nothing(
    text: bytes, said: str, tmp_path: Path
) -> None:
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "secrets.toml").write_bytes(text)
    done = subprocess.run(
        [sys.executable, "-m", "analytics_sync.cli", "sources"],
        env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f".dlt/secrets.toml{said}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["demo", "--days", "0"], "argument --days: expected a whole number from 1 to 1,000, found '0'"),
        (["dev", "--port", "99999"], "argument --port: expected a whole number from 0 to 65,535"),
    ],
)  # fmt: skip
def test_numbers_out_of_range_are_wrong_usage(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


def test_dev_outside_of_the_project_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["dev", "--port", "0"]) == 1
    assert capsys.readouterr().err == (
        f"there is no workspace.yaml in {tmp_path}. Run the command in the folder of the project.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_demo_that_cannot_run_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "analytics_sync.cli", "demo", "--days", "1"]
    for arguments, status, said in (
        (["--select", "nonsense"], 2, "'nonsense' selects no assets: "),
        ([], 1, "the sandbox did not start: "),
    ):
        done = subprocess.run(
            [*command, *arguments], env=environment(), cwd=tmp_path, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == status
        last = (done.stdout + done.stderr).strip().splitlines()[-1]
        assert said in last
        assert "Traceback" not in done.stdout + done.stderr
        (tmp_path / ".dlt").mkdir(exist_ok=True)
        (tmp_path / ".dlt" / "config.toml").write_text("x = [")
