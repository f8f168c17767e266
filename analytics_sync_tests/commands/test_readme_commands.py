"""The commands of the README that look and load nothing, in this process: a process for each would take long."""

from __future__ import annotations

import re
import shlex

import pytest

from analytics_sync.cli import main
from analytics_sync_tests.support.world import ROOT, World

LOOKING = (
    "doctor",
    "describe observability/dashboards",
    "check --live observability/dashboards",
    "preview observability/dashboards",
    "plan delivery --days 3",
    "lint my_apis/shop.yaml",
    "test my_apis/shop.yaml",
)


@pytest.mark.slow
@pytest.mark.parametrize("command", LOOKING)
def test_a_command_of_the_readme_is_status_0(
    command: str, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^analytics-sync {re.escape(command)}( +#|$)", readme, re.MULTILINE)
    _, shop, *_ = re.findall(r"^```yaml\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    (world.folder / "my_apis").mkdir()
    (world.folder / "my_apis" / "shop.yaml").write_text(shop)
    assert main(shlex.split(command)) == 0, capsys.readouterr()
