# SPDX-License-Identifier: Apache-2.0
"""Every secret of a mini cloud, looked for where none may be, after a run of all that it does."""

from __future__ import annotations

import configparser
import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
import zstandard
from keystoneauth1 import exceptions
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from tests.end_to_end.cloud import NEVER_SOON, LiveCloud, finished
from tests.end_to_end.ticks import fire
from trove_minicloud.services.preparation import database_file
from trove_minicloud.settings import USER

_SECRET_NAME = re.compile(r"pass(word|wd)?$|secret|_key$|^admin_token$", re.IGNORECASE)
_LOGIN_IN_URL = re.compile(r"://[^:/@\s]+:([^@/\s]+)@")
#: How each Fernet token of Keystone begins.
_TOKEN = "gAAAAA"
#: Shorter values are names and switches.
_LEAST = 12


class CommandLines:
    """Those of the mini cloud and of what the test starts, read again and again by a thread."""

    def __init__(self, supervisor: psutil.Process) -> None:
        self.seen: set[bytes] = set()
        self._ancestors = (psutil.Process(), supervisor)
        self.looks = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            self.looks += 1
            for ancestor in self._ancestors:
                for process in (ancestor, *ancestor.children(recursive=True)):
                    with suppress(OSError):  # it has ended
                        self.seen.add(Path(f"/proc/{process.pid}/cmdline").read_bytes())

    def any_with(self, part: bytes) -> bool:
        return any(part in line for line in set(self.seen))

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()


@dataclass
class Secrets:
    """The secrets of a mini cloud, each with the files that it was found in."""

    root: Path
    found: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path) -> Secrets:
        self = cls(root)
        for path in _files(root):
            self._read(path)
        return self

    def within(self, text: str) -> set[str]:
        """Where the secrets that the text holds come from; a token is one from nowhere."""
        held = {file for secret, files in self.found.items() if secret in text for file in files}
        return held | ({"a token"} if _TOKEN in text else set())

    def _read(self, path: Path) -> None:
        if path.suffix == ".json" and path.stat().st_size:
            self._walk(json.loads(path.read_text()), path)
        elif path.suffix in (".yaml", ".yml"):
            self._walk(yaml.safe_load(path.read_text()), path)
        elif path.suffix == ".conf" and path.parts[len(self.root.parts)] != "instances":
            parser = configparser.RawConfigParser(strict=False)
            parser.read(path)
            for section in parser.values():
                self._walk(dict(section), path)
                for value in section.values():
                    for password in _LOGIN_IN_URL.findall(value):
                        self._note(password, path)
        elif path.suffix == ".password":
            self._note(path.read_text().strip().rsplit(":", 1)[-1], path)
        elif path.parent.name in ("token-keys", "credential-keys"):
            self._note(path.read_text().strip(), path)

    def _walk(self, value: Any, path: Path) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                if _SECRET_NAME.search(str(key)):
                    self._note(inner, path)
                self._walk(inner, path)
        elif isinstance(value, list):
            for inner in value:
                self._walk(inner, path)

    def _note(self, value: object, path: Path) -> None:
        if isinstance(value, str) and len(value) >= _LEAST:
            self.found.setdefault(value, set()).add(str(path.relative_to(self.root)))


def _files(root: Path) -> list[Path]:
    """The files of the mini cloud itself: not what is in databases."""
    return [
        path
        for path in root.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and path.suffix != ".partial"  # about to be renamed
        and not _of_a_database(path, root)
    ]


def _of_a_database(path: Path, root: Path) -> bool:
    return path.is_relative_to(root / "instances") and "data" in path.relative_to(root).parts


@pytest.fixture(scope="module")
def cloud(own_cloud: LiveCloud) -> LiveCloud:
    """All that it holds is read, and other files leave much."""
    return own_cloud


@dataclass(frozen=True)
class Run:
    """What there is after instances, a schedule, its firing, a restore and a refused login."""

    secrets: Secrets
    lines: CommandLines


@pytest.fixture(scope="module")
def run(cloud: LiveCloud) -> Iterator[Run]:
    lines = CommandLines(cloud.supervisor())
    try:
        schedules = cloud.schedules()
        # It fires once: nothing may change while the tests read.
        schedule = schedules.schedule_create("m", NEVER_SOON, "secrets", keep_last=5, attempts=1)
        fire(cloud, schedule)
        [fired] = finished(schedules, schedule.id, 1)
        assert fired.state == "SUCCESS", fired
        # The tool of one backup may be gone before a look sees it.
        for _ in range(5):
            if lines.any_with(b"pg_basebackup"):
                break
            cloud.take_backup(schedule.instance)
        backup = str(fired.backup_id)
        cloud.run("trove-minicloud", "restore", backup, "--name", "secrets-restored")
        for command in (
            ("schedule", "list", "--long"),
            ("schedule", "execution", "list", schedule.id),
            ("schedule", "health", schedule.id),
            ("schedule", "check", "m"),
        ):
            cloud.openstack(*command, check=False)
        cloud.run("trove", "schedule-list", "m")
        cloud.run("openstack", "database", "backup", "list", "--debug")
        wrong = v3.Password(
            cloud.settings.keystone_url,
            username=USER,
            user_domain_id="default",
            password=cloud.settings.demo_password[:-1],
        )
        with pytest.raises(exceptions.Unauthorized):
            Session(wrong).get_token()
        yield Run(Secrets.of(cloud.root.path), lines)
    finally:
        lines.stop()


def test_all_are_known_here(cloud: LiveCloud, run: Run) -> None:
    """Otherwise the tests below look for too little."""
    settings = cloud.settings
    assert run.secrets.found.keys() >= {
        settings.admin_password,
        settings.demo_password,
        settings.mistral_password,
        settings.trove_password,
    }
    where = {file for files in run.secrets.found.values() for file in files}
    assert any("token-keys" in file for file in where)
    assert any("credential-keys" in file for file in where)
    assert sum(file.endswith(".password") for file in where) >= 2
    assert run.secrets.within(f"a {settings.demo_password} b") >= {"cloud.json"}


def test_none_stood_on_a_command_line(run: Run) -> None:
    assert run.lines.looks > 100
    assert run.lines.any_with(b"pg_basebackup")
    text = b"\n".join(run.lines.seen).decode(errors="replace")
    assert run.secrets.within(text) == set()


def test_none_is_in_a_log(cloud: LiveCloud, run: Run) -> None:
    logs = [path for path in _files(cloud.root.path) if ".log" in path.name]
    assert len(logs) >= 5
    for path in logs:
        assert run.secrets.within(path.read_text(errors="replace")) == set(), path


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("workflowv2", "/cron_triggers"),
        ("workflowv2", "/executions?include_output=true"),
        ("workflowv2", "/tasks"),
        ("workflowv2", "/action_executions?include_output=true"),
        ("workflowv2", "/workbooks"),
        ("database", "/backups?limit=1000"),
        ("database", "/instances"),
    ],
)
def test_none_is_in_what_the_services_show(
    cloud: LiveCloud, run: Run, service: str, path: str
) -> None:
    for login in ("minicloud", "minicloud-admin"):
        answer = cloud.session(login).get(path, endpoint_filter={"service_type": service})
        assert login == "minicloud-admin" or len(answer.text) > 50
        assert run.secrets.within(answer.text) == set(), login


def test_none_is_in_mistral_s_and_trove_s_databases(
    cloud: LiveCloud, run: Run, tmp_path: Path
) -> None:
    for name in ("mistral", "trove"):
        copy = tmp_path / f"{name}.sqlite"
        with closing(sqlite3.connect(database_file(cloud.root.service(name)))) as connection:
            connection.execute("VACUUM INTO ?", [str(copy)])
        if name == "mistral":
            # A call of Mistral's that waits is kept with its token until it is made, and each run
            # has such calls for some 20 seconds after its end.
            with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
                connection.execute("DELETE FROM delayed_calls_v2")
                connection.execute("VACUUM")
        content = copy.read_bytes().decode(errors="replace")
        assert str(cloud.session().get_project_id()) in content
        assert run.secrets.within(content) == set(), name


def test_none_is_in_a_backup_or_beside_it(cloud: LiveCloud, run: Run) -> None:
    files = [path for path in cloud.root.backups.rglob("*") if path.is_file()]
    unpacked = 0
    for path in files:
        content = path.read_bytes()
        if content.startswith(zstandard.FRAME_HEADER):
            content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
            unpacked += 1
        assert run.secrets.within(content.decode(errors="replace")) == set(), path
    assert 0 < unpacked < len(files)


def test_who_holds_one_is_for_its_owner_s_eyes_alone(cloud: LiveCloud, run: Run) -> None:
    holders = [
        path
        for path in _files(cloud.root.path)
        if path.stat().st_size < 10_000_000
        and run.secrets.within(path.read_bytes().decode(errors="replace"))
    ]
    assert {"cloud.json", "clouds.yaml", "mistral.conf"} <= {path.name for path in holders}
    wrong = {str(path): oct(path.stat().st_mode) for path in holders if path.stat().st_mode & 0o77}
    assert wrong == {}
