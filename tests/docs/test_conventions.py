# SPDX-License-Identifier: Apache-2.0
"""The files that people of OpenStack look for say the same as ours."""

from __future__ import annotations

import configparser
import re

from tests.docs.pages import REPOSITORY


def test_each_environment_of_tox_is_a_command_of_the_makefile() -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(REPOSITORY / "tox.ini")
    makefile = REPOSITORY.joinpath("Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set()
    for section in tox.sections()[1:]:
        command = tox[section]["commands"]
        if reference := re.fullmatch(r"\{\[(.+)\]commands\}", command):
            command = tox[reference[1]]["commands"]
        program, *words = command.split()
        assert program == "make"
        named |= {word for word in words if "=" not in word}
    assert named
    assert named <= targets


def test_bindep_has_the_packages_that_the_tests_install() -> None:
    script = REPOSITORY.joinpath("tools", "debian-packages").read_text(encoding="utf-8")
    ours = {
        (name, group)
        for group, needs in re.findall(r"^ +(\w+)\)\s+needs\+=\(([^)]+)\)", script, re.MULTILINE)
        for name in re.findall(r"=(\S+)", needs)
    }
    assert len(ours) > 5
    bindep = REPOSITORY.joinpath("bindep.txt").read_text(encoding="utf-8")
    theirs = set(re.findall(r"^(\S+) \[platform:dpkg (\w+)\]$", bindep, re.MULTILINE))
    assert theirs == ours
