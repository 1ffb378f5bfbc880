# SPDX-License-Identifier: Apache-2.0
"""How well each instance is protected, what to do about it, and how many there are of each kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from trove_schedules import Policy, Schedule
from trove_schedules.coverage import Cover, Coverage
from trove_schedules.health import Health
from trove_schedules_dashboard.content.backup_schedules import badge, text

#: What *Protect* fills in, which most people want.
_SUGGESTED = {"name": "nightly", "keep_last": "14"}
#: Where bars begin, and the width of the longest, in the drawing's units.
_LEFT, _WIDEST = 252, 420


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to be protected, or not.

    :ivar label: Bootstrap's, and ``icon`` Font Awesome's; the word says the same.
    :ivar colour: of its bar.
    """

    word: Any
    label: str
    icon: str
    colour: str


UNPROTECTED = Kind(_("Unprotected"), "danger", "exclamation-triangle", "#a61b1b")
NEEDS_HELP = Kind(_("Needs help"), "danger", "medkit", "#c2571a")
UNPROVEN = Kind(_("Protected, restore not proven"), "warning", "question", "#7a5200")
PROVEN = Kind(_("Protected, restore proven"), "success", "check", "#2d6a2d")
LEFT_OUT = Kind(_("Needs no backups"), "info", "minus", "#595959")
#: The worst first.
KINDS = (UNPROTECTED, NEEDS_HELP, UNPROVEN, PROVEN, LEFT_OUT)


@dataclass(frozen=True, slots=True)
class Row:
    """One instance.

    :ivar reason: why it is of its kind.
    :ivar schedules: addresses and names of the schedules and policies that back it up.
    :ivar todo: what to do about it, and the address at which that is done; None: nothing.
    """

    id: str
    name: str
    kind: Kind
    reason: str
    schedules: tuple[tuple[str, str], ...]
    last_backup: str
    last_proven: str
    todo: tuple[Any, str] | None


@dataclass(frozen=True, slots=True)
class Bar:
    """How many instances are of one kind."""

    kind: Kind
    count: int
    y: int
    width: float

    @property
    def end(self) -> float:
        return _LEFT + self.width + 8


@dataclass(frozen=True, slots=True)
class Overview:
    """All instances, those first that somebody has to look after.

    :ivar protected: how many have a schedule that is not paused, whatever its state.
    """

    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    protected: int
    left: int = _LEFT

    @property
    def height(self) -> int:
        return 30 * len(self.bars)


def overview(coverage: Iterable[Coverage], health: Iterable[Health]) -> Overview:
    """Put together what protects each instance, and how these schedules are."""
    states = {(each.schedule_id, each.instance): each for each in health}
    found = list(coverage)
    rows = sorted(
        (_row(each, states) for each in found), key=lambda row: (KINDS.index(row.kind), row.name)
    )
    counts = [sum(row.kind is kind for row in rows) for kind in KINDS]
    most = max(*counts, 1)
    bars = tuple(
        Bar(kind, count, 30 * number, round(_WIDEST * count / most, 1))
        for number, (kind, count) in enumerate(zip(KINDS, counts, strict=True))
    )
    protected = sum(each.state in (Cover.PROTECTED, Cover.STALE) for each in found)
    return Overview(tuple(rows), bars, protected)


def _row(coverage: Coverage, states: dict[tuple[str, str], Health]) -> Row:
    by = [*coverage.schedules, *coverage.policies]
    found = [(each, states.get((each.id, coverage.instance))) for each in by]
    ill = [(each, state) for each, state in found if state and badge.needs_help(state.state)]
    kind, reason = _kind(coverage), coverage.reason
    if ill and kind in (UNPROVEN, PROVEN):
        _, state = ill[0]
        kind, reason = NEEDS_HELP, f"{state.name}: {state.state}, {state.reason}"
    return Row(
        id=coverage.instance,
        name=coverage.name,
        kind=kind,
        reason=reason,
        schedules=tuple((_page(each), each.name) for each in by),
        last_backup=text.utc(coverage.backup.created if coverage.backup else None),
        last_proven=text.utc(coverage.last_proven),
        todo=_todo(coverage.instance, kind, [each for each, _ in ill] or by),
    )


def _kind(coverage: Coverage) -> Kind:
    """What an instance is by its schedules and proofs alone."""
    if coverage.state in (Cover.UNPROTECTED, Cover.PAUSED):
        return UNPROTECTED
    if coverage.state in (Cover.REPLICA, Cover.EXCLUDED):
        return LEFT_OUT
    return UNPROVEN if coverage.last_proven is None else PROVEN


def _todo(instance: str, kind: Kind, by: Sequence[Schedule]) -> tuple[Any, str] | None:
    """What to do about an instance.

    :param by: what protects it, those first that need help, and then the next to run.
    """
    if kind in (PROVEN, LEFT_OUT):
        return None
    if not by:
        query = urlencode({"instance": instance} | _SUGGESTED)
        return _("Protect"), f"{reverse('horizon:project:backup_schedules:create')}?{query}"
    words = {NEEDS_HELP: _("Find out why"), UNPROTECTED: _("Resume"), UNPROVEN: _("Prove")}
    return words[kind], _page(by[0])


def _page(schedule: Schedule) -> str:
    panel = "backup_policies" if isinstance(schedule, Policy) else "backup_schedules"
    return reverse(f"horizon:project:{panel}:detail", args=[schedule.id])
