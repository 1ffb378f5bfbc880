# SPDX-License-Identifier: Apache-2.0
"""Kolla writes the Dockerfiles with our files, and takes the panels' sources."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest
from kolla.common.sources import SOURCES

from tests.deploy.conftest import BIN, DEPLOY, REPOSITORY, run

KOLLA = DEPLOY / "kolla"
#: The command kolla-build with libyaml, which halves its time: it reads one file 480 times.
KOLLA_BUILD = (
    "import sys, yaml; yaml.SafeLoader = yaml.CSafeLoader;"
    "from kolla.cmd.build import main; sys.exit(main())"
)


def _dockerfiles(folder: Path, *options: str | Path) -> dict[str, str]:
    """The Dockerfiles of Mistral and Horizon, by image."""
    run(
        BIN / "python", "-c", KOLLA_BUILD, "--template-only", "--base", "debian",
        "--work-dir", folder, *options, "^mistral", "^horizon", cwd=folder,
    )  # fmt: skip
    found = {path.parent.name: path.read_text() for path in folder.rglob("Dockerfile")}
    assert {"horizon", "mistral-base", "mistral-engine", "mistral-executor"} <= found.keys()
    return found


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return _dockerfiles(tmp_path_factory.mktemp("stock"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    override, options = KOLLA / "template-overrides.j2", KOLLA / "kolla-build.conf"
    folder = tmp_path_factory.mktemp("ours")
    return _dockerfiles(folder, "--config-file", options, "--template-override", override)


def test_stock_images_have_no_mistral_extra(stock: dict[str, str]) -> None:
    assert [name for name, text in stock.items() if "mistral-extra" in text] == []


def test_mistral_gets_the_actions_of_trove(ours: dict[str, str]) -> None:
    [line] = re.findall(r"pip .*install .* /mistral .*", ours["mistral-base"])
    assert "mistral-extra" in line.split()
    for image in ("api", "engine", "executor"):
        assert re.match(r"FROM \S*/mistral-base:", ours[f"mistral-{image}"])


def test_nothing_else_of_the_images_changes(stock: dict[str, str], ours: dict[str, str]) -> None:
    changed = {name for name in stock if stock[name] != ours[name]}
    assert changed == {"mistral-base", "horizon"}
    assert ours["mistral-base"].replace(" mistral-extra", "") == stock["mistral-base"]


def test_horizon_gets_what_it_reads_of_the_panels(ours: dict[str, str], tmp_path: Path) -> None:
    """The image's step is run, on folders like the image's."""
    [step] = re.findall(
        r"^RUN (cd .*trove_schedules_dashboard(?:.|\n)*?)\n\n", ours["horizon"], re.MULTILINE
    )
    package, image = REPOSITORY / "dashboard" / "trove_schedules_dashboard", tmp_path / "image"
    site, etc = image / "site-packages", image / "etc"
    for folder in (site / "openstack_dashboard/local/enabled", etc / "local_settings.d"):
        folder.mkdir(parents=True)
    site.joinpath(package.name).symlink_to(package)
    step = step.replace("/var/lib/kolla/venv/lib/python3/site-packages", str(site))
    step = step.replace("../openstack_dashboard", str(site / "openstack_dashboard"))
    run("bash", "-ec", step.replace("/etc/openstack-dashboard", str(etc)), cwd=tmp_path)
    site.joinpath(package.name).unlink()
    copied = sorted(str(path.relative_to(image)) for path in image.rglob("*") if path.is_file())
    assert copied == [
        "etc/default_policies/mistral.yaml",
        "etc/local_settings.d/_1733_backup_schedules.py",
        "etc/mistral_policy.yaml",
        "site-packages/openstack_dashboard/local/enabled/_1711_project_backup_coverage_panel.py",
        "site-packages/openstack_dashboard/local/enabled/_1733_project_backup_schedules_panel.py",
        "site-packages/openstack_dashboard/local/enabled/_1734_project_backup_policies_panel.py",
    ]


def test_the_sources_of_the_panels_are_those_of_horizon_s_plugins() -> None:
    sections = configparser.ConfigParser()
    sections.read(KOLLA / "kolla-build.conf")
    assert sections.sections()
    for name in sections.sections():
        # As Kolla looks for the plugins of an image.
        assert re.search("^horizon-plugin-.+", name) and name not in SOURCES
        folder = Path(sections[name]["location"])
        assert sections[name]["type"] == "local"
        assert REPOSITORY.joinpath(folder.name, "pyproject.toml").exists()
