# SPDX-License-Identifier: Apache-2.0
"""Imports that wait until somebody needs them: a service imports more than a mini cloud uses."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType


def postpone(package: str) -> None:
    """Load each module of the package when an attribute of it is asked for, from now on."""
    sys.meta_path.insert(0, _Postponed(f"{package}."))


class _Postponed(MetaPathFinder):
    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith(self._prefix):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec
