"""The files of ``deploy/``: their form, and the wheel that they install."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster._core.instance.config import dagster_instance_config_schema

from analytics_sync.catalog.names import PROJECT_VARIABLES
from analytics_sync_tests.support.fresh_environment import environment_with_wheel
from analytics_sync_tests.support.world import ROOT

DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
VARIABLE = re.compile(r"\bANALYTICS_SYNC__[A-Z_]+[A-Z]")


def documents(name: str) -> list[Any]:
    return [d for d in yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")) if d]


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """All mappings in a value, itself included."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from mappings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from mappings(inner)


@pytest.mark.parametrize("folder", ["one-machine", "workers"])
def test_dagster_accepts_its_settings(folder: str) -> None:
    (settings,) = documents(f"{folder}/dagster.yaml")
    schema = resolve_to_config_type(dagster_instance_config_schema())
    known = {
        key: value for key, value in settings.items() if key not in {"storage", "run_launcher"}
    }
    result = process_config(schema, known)
    assert result.success, result.errors
    assert settings["storage"]["postgres"]["postgres_url"] == {
        "env": "ANALYTICS_SYNC_DAGSTER_STORAGE"
    }
    assert settings["run_monitoring"]["free_slots_after_run_end_seconds"] > 0, "a slot would leak"
    assert settings["run_retries"]["retry_on_asset_or_op_failure"] is False


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_exists(path: Path) -> None:
    named = set(VARIABLE.findall(path.read_text(encoding="utf-8")))
    assert named <= set(PROJECT_VARIABLES)


@pytest.mark.parametrize("name", ["webserver", "daemon"])
def test_units_of_systemd(name: str) -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / f"one-machine/systemd/analytics-sync-{name}.service")
    assert set(unit.sections()) == {"Unit", "Service", "Install"}
    service = unit["Service"]
    assert service["User"] == "analytics-sync"
    assert service["NoNewPrivileges"] == "true"
    program, *arguments = service["ExecStart"].split()
    assert program.rpartition("/")[2] in {"dagster-webserver", "dagster-daemon"}
    assert arguments[-1] == "analytics_sync.definitions"
    assert "0.0.0.0" not in arguments


def test_the_dockerfile() -> None:
    text = (DEPLOY / "compose/Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    for line in lines:
        word, _, rest = line.partition(" ")
        assert word in {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "CMD"} or line.startswith(" "), line  # fmt: skip
        if word == "FROM":
            assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+( AS build)?", rest)
        if word == "COPY" and "--from" not in rest:
            *sources, _ = [part for part in rest.split() if not part.startswith("--")]
            assert all((ROOT / source).exists() for source in sources), line
        if " pip install" in line or "/pip install" in line:
            for part in line.split("&&"):
                assert "--no-deps" in part or "pip install" not in part
    users = [line for line in lines if line.startswith("USER")]
    assert users == ["USER 10001:10001"]
    assert any(line.startswith("HEALTHCHECK") for line in lines)


def test_the_image_has_only_what_it_needs() -> None:
    ignored = (DEPLOY / "compose/Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    assert all((ROOT / line[1:]).exists() for line in ignored if line.startswith("!"))


def test_compose() -> None:
    (compose,) = documents("compose/compose.yaml")
    services = compose["services"]
    assert set(services) == {"postgres", "webserver", "daemon"}
    for name, service in services.items():
        image = service["image"]
        assert re.search(r":\d", image), "an image has a version"
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert source == "./catalog" or (DEPLOY / "compose" / source).exists(), source
            else:
                assert source in compose["volumes"]
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")
        if name != "postgres":
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
            assert (ROOT / "deploy/compose" / service["build"]["context"] / service["build"]["dockerfile"]).exists()  # fmt: skip
    assert services["daemon"]["healthcheck"]["test"][1] == "dagster-daemon"


def test_values_of_the_chart() -> None:
    (values,) = documents("kubernetes/values.yaml")
    config_map, claim = documents("kubernetes/shared.yaml")
    run = values["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"]
    pod, container = run["podSpecConfig"], run["containerConfig"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
    assert volumes["journals"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    data = config_map["data"]
    folders = {data[name] for name in ("TMPDIR", "XDG_STATE_HOME", "ANALYTICS_SYNC__JOURNAL_DIR")}
    assert folders == mounts
    environments = [f["envConfigMaps"] for f in mappings(values) if "envConfigMaps" in f]
    assert environments
    for environment in environments:
        assert environment == [{"name": config_map["metadata"]["name"]}]
    limited = [
        found
        for found in mappings(values)
        if "resources" in found and "storage" not in found["resources"].get("requests", {})
    ]
    assert limited
    for found in limited:
        assert found["resources"]["limits"]["memory"]
        assert found["securityContext"]["runAsNonRoot"] is True
    monitoring = values["dagsterDaemon"]["runMonitoring"]
    assert monitoring["freeSlotsAfterRunEndSeconds"] > 0


@pytest.mark.slow
def test_the_wheel_in_a_fresh_environment(tmp_path: Path) -> None:
    """The wheel holds the catalog files, and its command works without the checkout."""
    venv = environment_with_wheel(tmp_path, "requirements-deploy.txt")
    python = venv / "bin/python"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    checked = subprocess.run(
        [str(venv / "bin/analytics-sync"), "check"], env=environment, cwd=tmp_path,
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert "observability" in checked.stdout
    where = "import analytics_sync, analytics_sync.definitions as d; d.defs(); print(analytics_sync.__file__)"
    found = subprocess.run(
        [str(python), "-c", where], env=environment, cwd=tmp_path,
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert str(venv) in found.stdout
