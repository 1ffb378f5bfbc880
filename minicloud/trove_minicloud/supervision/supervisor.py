# SPDX-License-Identifier: Apache-2.0
"""Keeps the programs of one root running: starts, asks, restarts, stops them.

One thread does everything in small steps. The wanted programs are asked for again at each step
(databases come and go while the cloud runs), and every change is written to supervisor.json.

One program's trouble is that program's: whatever goes wrong with one of them, the others go on.
"""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterable

from trove_minicloud.errors import MiniCloudError, StartupError, StopRequestedError
from trove_minicloud.root import Root
from trove_minicloud.supervision import log_files, processes, state
from trove_minicloud.supervision.child import ASK_INTERVAL, Child
from trove_minicloud.supervision.program import Program
from trove_minicloud.supervision.state import CloudState, CloudStatus, ProgramStatus

LOG = logging.getLogger(__name__)
_STEP = 0.1
#: Once everything runs; a program that dies is started again half a second later anyway.
_CALM_STEP = 0.3
_FOLLOW_INTERVAL = 0.5
_STOP_AGAIN_AFTER = 10.0
#: Of its own log, in the background.
LOG_NAME = "supervisor"


#: Shortens the time between two looks at a program that is ready; in seconds.
ASK_VARIABLE = "TROVE_MINICLOUD_ASK_EVERY"


class Supervisor:
    """Runs the services given to `start`, and the programs that the sources name at each step.

    Create it only while holding the root's supervisor lock.

    :param problems: what of the wanted programs there is no program for, and why.
    """

    def __init__(
        self,
        root: Root,
        *sources: Callable[[], Iterable[Program]],
        problems: Callable[[], Iterable[str]] = lambda: (),
    ) -> None:
        self._root = root
        self._services: list[str] = []
        self._sources = [_Source(source) for source in sources]
        self._problems = problems
        self._ask_interval = float(os.environ.get(ASK_VARIABLE, ASK_INTERVAL))
        self._children: dict[str, Child] = {}
        self._state: CloudState = "starting"
        self._saved: CloudStatus | None = None
        self._save_error = ""
        self._stop_requested = False
        self._unwanted: set[str] = set()
        self._next_follow = 0.0
        self._next_rotation = 0.0

    def request_stop(self) -> None:
        """Ask for the end, from a signal handler or another thread; `run` then returns."""
        self._stop_requested = True

    def start(self, services: Iterable[Program]) -> None:
        """Start these services, all at once: none needs another of them in order to start."""
        for program in services:
            self._services.append(program.name)
            self._add(program)

    def wait_ready(self, names: Iterable[str] | None = None) -> None:
        """Wait until these services answer; without names all that were started.

        :raises StartupError: one died or ran out of time.
        :raises StopRequestedError: a stop was asked for.
        """
        services = [self._children[name] for name in self._services]
        waiting = services if names is None else [self._children[name] for name in names]
        while not all(child.state == "ready" for child in waiting):
            self._step()
            for child in services:
                if child.restarts:
                    raise StartupError(child.evidence())
            if self._stop_requested:
                raise StopRequestedError("Asked to stop before the cloud was up.")
            time.sleep(_STEP)

    def run(self) -> None:
        """Keep everything running until a stop is asked for."""
        self._state = "running"
        while not self._stop_requested:
            self._step()
            time.sleep(_CALM_STEP)

    def stop(self) -> None:
        """Stop all programs in reverse order of their start.

        :raises StopError: one of them couldn't be stopped; the others were.
        """
        self._state = "stopping"
        self._save()
        with contextlib.ExitStack() as stack:
            # The stack goes through all of them, last one first, whatever fails on the way.
            for child in self._children.values():
                stack.callback(child.stop)
        self._root.state_file.unlink(missing_ok=True)

    def _step(self) -> None:
        self._follow_instances()
        for child in self._children.values():
            if child.name not in self._unwanted:
                child.step()
        self._rotate_logs()
        self._save()

    def _rotate_logs(self) -> None:
        if time.monotonic() < self._next_rotation:
            return
        self._next_rotation = time.monotonic() + self._ask_interval
        for child in self._children.values():
            child.rotate_log()
        try:
            log_files.rotate(self._root.log(LOG_NAME))
        except OSError as error:
            LOG.error("the supervisor's own log can't be put aside: %s", error)

    def _follow_instances(self) -> None:
        if time.monotonic() < self._next_follow:
            return
        self._next_follow = time.monotonic() + _FOLLOW_INTERVAL
        wanted = {
            program.name: program for source in self._sources for program in source.programs()
        }
        self._unwanted = self._children.keys() - set(self._services) - wanted.keys()
        for name in self._unwanted:
            try:
                self._children[name].stop()
            except Exception as error:
                # It stays on record, and is tried again.
                LOG.error("%s can't be stopped: %s", name, error)
                self._next_follow = time.monotonic() + _STOP_AGAIN_AFTER
            else:
                del self._children[name]
        for name, program in wanted.items():
            if name not in self._children:
                self._add(program)

    def _add(self, program: Program) -> None:
        child = Child(program, self._ask_interval)
        self._children[program.name] = child
        child.step()
        # A process that isn't on record can't be found again after a crash of ours.
        self._save()

    def _save(self) -> None:
        status = CloudStatus(
            supervisor=os.getpid(),
            state=self._state,
            error="\n".join(self._all_problems()),
            programs=tuple(child.status() for child in self._children.values()),
        )
        if status == self._saved:
            return
        try:
            state.save(self._root, status)
        except (MiniCloudError, OSError) as error:
            # The programs go on; the state is written at the next step that can.
            if str(error) != self._save_error:
                self._save_error = str(error)
                LOG.error("what runs can't be written down: %s", error)
            return
        self._save_error = ""
        self._saved = status

    def _all_problems(self) -> list[str]:
        unread = [source.problem for source in self._sources if source.problem]
        return [*unread, *self._problems()]


class _Source:
    """Where wanted programs are asked for. What can't be read is not gone: it stays as it was."""

    def __init__(self, ask: Callable[[], Iterable[Program]]) -> None:
        self._ask = ask
        self._known: list[Program] = []
        self.problem = ""

    def programs(self) -> list[Program]:
        try:
            self._known = list(self._ask())
            self.problem = ""
        except Exception as error:
            problem = f"What is to run can't be read: {type(error).__name__}: {error}"
            if problem != self.problem:
                LOG.exception("%s", problem)
                self.problem = problem
        return self._known


def stop_leftovers(root: Root) -> list[str]:
    """Stop what a supervisor that was killed has left running; return the programs' names.

    Call it only while holding the root's supervisor lock.
    """
    status = state.load(root)
    return [item.name for item in reversed(status.programs if status else ()) if _stopped(item)]


def stop_leftover(root: Root, program_name: str) -> bool:
    """Stop this one program if a supervisor that was killed has left it running.

    False if it doesn't run, or if a living supervisor looks after it.

    :raises StopError: it couldn't be stopped.
    """
    with state.supervisor_lock(root) as free:
        status = state.load(root) if free else None
        named = [item for item in status.programs if item.name == program_name] if status else []
        return any([_stopped(item) for item in named])


def _stopped(program: ProgramStatus) -> bool:
    if program.process is None or not processes.is_alive(program.process):
        return False
    LOG.warning("stopping %s, left by a supervisor that was killed", program.name)
    processes.stop_group(program.process)
    return True
