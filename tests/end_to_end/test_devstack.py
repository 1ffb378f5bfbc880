# SPDX-License-Identifier: Apache-2.0
"""DevStack's plugin, phase by phase: DevStack's functions are stood in, the cloud is real."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import REPOSITORY
from tests.end_to_end.cloud import BIN, LiveCloud

#: Say what they were called with; enabled is what the test says.
_STOOD_IN = """
set -eu
is_service_enabled() { for each; do [[ " $ENABLED " == *" $each "* ]] && return 0; done; return 1; }
enable_service() { ENABLED="$ENABLED $*"; }
echo_summary() { echo "summary: $*"; }
setup_develop() { echo "setup_develop $*"; }
pip_install() { echo "pip_install $*"; }
iniset() { echo "iniset $*"; }
run_process() { echo "run_process $*"; }
stop_process() { echo "stop_process $*"; }
restart_apache_server() { echo restart_apache_server; }
die() { shift; echo "die: $*" >&2; exit 1; }
source "$PLUGIN/settings"
source "$PLUGIN/plugin.sh" "$@"
"""
ENABLED = Path("openstack_dashboard/local/enabled")
#: Where Horizon looks for each panel's switch, and the panel.
PANELS = {
    ENABLED / "_1711_project_backup_coverage_panel.py": "BackupCoverage",
    ENABLED / "_1733_project_backup_schedules_panel.py": "BackupSchedules",
    ENABLED / "_1734_project_backup_policies_panel.py": "BackupPolicies",
}

Phase = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def phase(tmp_path: Path) -> Phase:
    """Run one phase as DevStack does, with a Horizon whose manage.py says what it is asked."""
    horizon = tmp_path / "horizon"
    (horizon / ENABLED).mkdir(parents=True)
    (horizon / "manage.py").write_text("import sys; print('manage.py', *sys.argv[1:])\n")

    def run(
        *arguments: str, enabled: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", _STOOD_IN, "devstack", *arguments],
            env={
                "PATH": f"{BIN}:/usr/bin:/bin",
                "HOME": str(tmp_path),
                "DEST": str(tmp_path),
                "PYTHON": str(BIN / "python"),
                "PLUGIN": str(REPOSITORY / "devstack"),
                "ENABLED": enabled,
                "MISTRAL_BIN_DIR": "/opt/stack/data/venv/bin",
                "MISTRAL_CONF_FILE": "/etc/mistral/mistral.conf",
            }
            | environment,
            text=True,
            capture_output=True,
            check=False,
            timeout=120,
        )

    return run


def test_install_installs_the_repository(phase: Phase) -> None:
    done = phase("stack", "install")
    assert done.returncode == 0, done.stderr
    assert f"setup_develop {REPOSITORY}/client" in done.stdout
    assert "mistral-extra" not in done.stdout


def test_install_brings_mistral_the_actions_where_it_is_enabled(phase: Phase) -> None:
    done = phase("stack", "install", enabled="mistral")
    assert done.returncode == 0, done.stderr
    assert "pip_install mistral-extra" in done.stdout.splitlines()


def test_the_periodic_server_joins_mistral_s_other_processes(phase: Phase) -> None:
    processes = "mistral-api mistral-engine mistral-executor mistral-event-engine"
    done = phase("stack", "post-config", enabled=processes)
    assert "iniset /etc/mistral/mistral.conf cron_trigger run_in_api False" in done.stdout
    done = phase("stack", "extra", enabled=processes)
    started = "mistral-server --config-file /etc/mistral/mistral.conf --server periodic"
    assert f"run_process mistral-periodic /opt/stack/data/venv/bin/{started}" in done.stdout
    assert "stop_process mistral-periodic" in phase("unstack", enabled=processes).stdout


def test_one_process_of_all_of_mistral_has_a_periodic_server(phase: Phase) -> None:
    for words in (("stack", "post-config"), ("unstack",)):
        done = phase(*words, enabled="mistral mistral-engine")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_where_horizon_is_enabled_it_gets_the_panels_and_clean_takes_them(
    phase: Phase, tmp_path: Path
) -> None:
    panels = {tmp_path / "horizon" / path: panel for path, panel in PANELS.items()}
    done = phase("stack", "post-config", enabled="horizon")
    assert done.returncode == 0, done.stderr
    assert all(panel in path.read_text() for path, panel in panels.items())
    said = done.stdout.splitlines()[1:]
    assert said == [
        "manage.py collectstatic --noinput", "manage.py compress --force", "restart_apache_server",
    ]  # fmt: skip
    again = phase("stack", "post-config", enabled="horizon")
    assert again.returncode == 0, again.stderr

    assert phase("unstack").returncode == 0
    assert all(path.exists() for path in panels)
    assert phase("clean").returncode == 0
    assert not any(path.is_symlink() for path in panels)


def test_a_horizon_that_can_not_take_the_panel_ends_the_run(phase: Phase, tmp_path: Path) -> None:
    (tmp_path / "horizon" / "manage.py").write_text("raise SystemExit(3)\n")
    done = phase("stack", "post-config", enabled="horizon")
    assert done.returncode == 1
    assert "die: Horizon can't take in the panels" in done.stderr
    assert "restart" not in done.stdout


def test_where_mistral_is_enabled_it_gets_the_workbook_for_all(
    phase: Phase, cloud: LiveCloud
) -> None:
    login = {
        "OS_CLIENT_CONFIG_FILE": str(cloud.root.clouds_file),
        "TROVE_SCHEDULES_ADMIN_CLOUD": "minicloud-admin",
    }
    done = phase("stack", "extra", enabled="mistral", **login)
    assert done.returncode == 0, done.stderr
    assert "public" in done.stdout
    tenant = phase("stack", "extra", enabled="mistral", **login | {
        "TROVE_SCHEDULES_ADMIN_CLOUD": "nobody"})  # fmt: skip
    assert tenant.returncode == 1
    assert "die: Mistral does not take the workbook" in tenant.stderr


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (("stack", "post-config"), {}),
        (("stack", "extra"), {}),
        (("stack", "pre-install"), {"enabled": "horizon mistral"}),
        (
            ("stack", "extra"),
            {"enabled": "mistral", "TROVE_SCHEDULES_LOAD_WORKBOOK": "False"},
        ),
    ],
)
def test_what_is_not_enabled_or_not_due_does_nothing(
    phase: Phase, words: tuple[str, ...], environment: dict[str, str]
) -> None:
    done = phase(*words, **environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
