"""``lint``: planted defects are found, each with its line, and sound files are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics_sync.cli import main
from analytics_sync.commands.lint.command import RULES
from analytics_sync_tests.commands.planted_defects import DEFECTS, SOUND, Planted
from analytics_sync_tests.support.json_commands import result
from analytics_sync_tests.support.world import ROOT


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.yaml"


def write(file: Path, planted: Planted) -> list[str]:
    """Write a file, and return its lines."""
    file.write_text(f"source: shop\nclient: {planted.client}\nresources:{planted.resources}")
    return file.read_text().splitlines()


@pytest.mark.parametrize(
    "number",
    [
        number if defect.rule not in {d.rule for d in DEFECTS[:number]}
        else pytest.param(number, marks=pytest.mark.slow)
        for number, defect in enumerate(DEFECTS)
    ],
)  # fmt: skip
def test_a_planted_defect_is_found_with_its_line(
    number: int, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planted = DEFECTS[number]
    lines = write(file, planted)
    status, found = result(capsys, "lint", str(file))
    assert status == 1
    (defect,) = found["defects"]
    assert defect["rule"] == planted.rule
    assert planted.at in lines[defect["line"] - 1]
    assert defect["reason"]
    assert bool(defect["proposal"]) == (planted.rule != "does-not-load")


@pytest.mark.parametrize(
    "number",
    [n if n % 3 else pytest.param(n, marks=pytest.mark.slow) for n in range(len(SOUND))],
)
def test_a_sound_file_has_no_defect(
    number: int, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(file, SOUND[number])
    status, found = result(capsys, "lint", str(file))
    assert (status, found["defects"]) == (0, [])


def test_the_shipped_sources_and_the_examples_have_no_defect(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, found = result(capsys, "lint")
    assert (status, found) == (0, {"defects": [], "resources": 60})
    files = [str(p) for p in sorted((ROOT / "examples").iterdir()) if p.suffix in (".yaml", ".py")]
    status, found = result(capsys, "lint", *files)
    assert (status, found["defects"]) == (0, [])
    assert found["resources"] != 60, "without files, the shipped sources are looked at again"


def test_each_rule_has_a_planted_defect() -> None:
    planted = {defect.rule for defect in DEFECTS}
    assert {rule.name for rule in RULES} - planted == {"days-for-hours"}  # it needs a setting


@pytest.mark.parametrize(
    ("spelled", "is_found"),
    [("date", True), ("'%Y-%m-%d'", True), ("iso", False), ("'%Y-%m-%d %H:%M'", False)],
)
def test_hours_that_are_requested_by_days(
    spelled: str,
    is_found: bool,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planted = next(p for p in SOUND if "start_param: from" in p.resources)
    lines = write(file, planted._replace(resources=planted.resources.replace(
        "end_param: to", f"end_param: to\n        param_format: {spelled}")))  # fmt: skip
    monkeypatch.setenv("SOURCES__SHOP__PARTITIONS", "hourly")
    status, found = result(capsys, "lint", str(file))
    assert [defect["rule"] for defect in found["defects"]] == ["days-for-hours"] * is_found
    assert status == is_found
    for defect in found["defects"]:
        assert f"param_format: {spelled}" in lines[defect["line"] - 1]


def test_a_rule_can_be_left_out(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planted = next(defect for defect in DEFECTS if defect.rule == "listing-is-cut")
    write(file, planted)
    assert main(["lint", str(file)]) == 1
    assert main(["lint", str(file), "--ignore", "fixed-time,listing-is-cut"]) == 0
    at = planted.at
    write(file, planted._replace(
        resources=planted.resources.replace(at, f"{at}  # lint: ignore listing-is-cut"))
    )  # fmt: skip
    assert main(["lint", str(file)]) == 0
    capsys.readouterr()
    assert main(["lint", str(file), "--ignore", "nonsense"]) == 2
    assert "no rule 'nonsense': analytics-sync lint --rules lists them." in capsys.readouterr().err


def test_the_line_the_reason_and_the_proposal_are_shown(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(file, DEFECTS[0])
    assert main(["lint", str(file)]) == 1
    place, proposal, total = capsys.readouterr().out.splitlines()
    assert place.startswith(
        "shop.yaml:10: shop/orders: limit: 100 limits the page, and no paginator"
    )
    assert place.endswith("[limit-without-paginator]")
    assert proposal.startswith(
        "    declare endpoint.paginator, for example {type: offset, limit: 100"
    )
    assert total == "1 defect in 1 resource"


def test_an_unencrypted_address_is_found_whatever_resource_is_named(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    orders = next(p for p in SOUND if "name: archived" in p.resources)
    write(file, orders._replace(client="{base_url: 'http://api.shop.net'}"))
    for places in ([str(file)], [f"{file}/orders"]):
        status, found = result(capsys, "lint", *places)
        assert (status, [d["rule"] for d in found["defects"]]) == (1, ["unencrypted"])


def test_several_files_with_a_comma_between(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(file, DEFECTS[0])
    text = file.read_text().replace("source: shop", "source: store")
    (other := file.with_name("store.yaml")).write_text(text)
    status, found = result(capsys, "lint", f"{file},{other}/orders")
    assert status == 1
    assert [d["resource"] for d in found["defects"]] == ["shop/orders", "store/orders"]


def test_the_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "--rules"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(RULES)


def test_accounts_of_one_api_have_each_defect_once(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(file, DEFECTS[0])
    file.write_text(
        file.read_text().replace("source: shop\n", "source: shop\ninstances: {eu: {}, us: {}}\n")
    )
    status, found = result(capsys, "lint", str(file))
    assert (status, len(found["defects"]), found["resources"]) == (1, 1, 2)
