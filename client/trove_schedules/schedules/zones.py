# SPDX-License-Identifier: Apache-2.0
"""Time zones: their names, and the tables of offsets that travel with schedules.

Nothing in Mistral knows the rules of a zone. So a schedule holds its zone's offsets for some years,
and workflow, client, health and dashboard all reckon by that one table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from trove_schedules.errors import InvalidScheduleError

#: The zone of schedules that name none.
USUAL = "UTC"
#: From when until when the table of a schedule holds. The workflow looks back as far.
BACK, AHEAD = timedelta(days=1500), timedelta(days=3653)
#: Renew a table if a change of offset within this time is missing from it.
_RENEWED_WITHIN = timedelta(days=365)
_DAY = 86_400

#: Pairs of the second since the epoch from which an offset holds, and the offset in seconds east of
#: UTC, in order. The first one holds before its time too. Empty: UTC.
Offsets = tuple[tuple[int, int], ...]


def check(name: object) -> None:
    """Refuse what is not the name of a zone.

    :raises InvalidScheduleError: it is not in the database of time zones.
    """
    if not isinstance(name, str) or (name != USUAL and name not in _names()):
        raise InvalidScheduleError(
            f"{name!r} is not a time zone; give a name of the IANA database, such as Europe/Berlin"
        )


def offsets(name: str, since: datetime, until: datetime) -> list[list[int]]:
    """The offsets of a zone between two aware moments.

    :returns: pairs of the second since the epoch from which an offset holds, and the offset in
        seconds east of UTC, in order; the first one holds from before ``since``.
    :raises InvalidScheduleError: there is no such zone.
    """
    first, last = (int(each.timestamp()) // _DAY for each in (since, until))
    return [list(pair) for pair in _table(name, first, last + 1)]


def current(name: str, now: datetime) -> Offsets:
    """The table of a schedule that is made or changed now; empty for UTC."""
    return () if name == USUAL else read(offsets(name, now - BACK, now + AHEAD))


def local(moment: datetime, table: Offsets) -> datetime:
    """An aware moment on the clock of a table, with the offset that holds then."""
    second = moment.timestamp()
    known = [offset for since, offset in table if since <= second]
    offset = known[-1] if known else table[0][1] if table else 0
    return moment.astimezone(timezone(timedelta(seconds=offset)))


def read(value: object) -> Offsets:
    """The table in a workflow's input. What users have spoilt there is read as UTC."""
    if not isinstance(value, list):
        return ()
    pairs = [tuple(each) for each in value if isinstance(each, list) and len(each) == 2]
    sound = (
        len(pairs) == len(value)
        and all(type(number) is int for pair in pairs for number in pair)
        and all(abs(offset) < 2 * _DAY for _, offset in pairs)
        and [since for since, _ in pairs] == sorted({since for since, _ in pairs})
    )
    return tuple(pairs) if sound else ()


def trouble(name: str, table: Offsets, now: datetime) -> str | None:
    """What is wrong with the table of a schedule, from now on, or None.

    :returns: that it differs from the database of time zones at hand, or lacks a change of offset
        within a year.
    """
    if name == USUAL:
        return None
    soon = now + _RENEWED_WITHIN
    end = max([int(soon.timestamp()), *(since for since, _ in table)])
    try:
        right = offsets(name, now, datetime.fromtimestamp(end, UTC))
    except InvalidScheduleError as error:
        return str(error)
    start = int(now.timestamp())
    ours, theirs = (_from(start, each) for each in (table, right))
    theirs = [pair for pair in theirs if pair[0] <= end]
    if ours == theirs:
        return None
    renew = "'set --timezone' with the same zone renews it"
    if ours and ours == theirs[: len(ours)]:
        known = datetime.fromtimestamp(theirs[len(ours)][0], UTC)
        return f"its table of offsets of {name} ends before the change of {known:%Y-%m-%d}; {renew}"
    return f"its table of offsets of {name} differs from the time zone database here; {renew}"


def told(name: str, moment: datetime) -> str | None:
    """A moment on the clocks of a zone, with the zone's name for its time, such as ``02:00 CEST``.

    :returns: None for UTC, and for what is not a zone here, since users can write there.
    """
    try:
        return None if name == USUAL else f"{moment.astimezone(_zone(name)):%H:%M %Z}"
    except InvalidScheduleError:
        return None


def utc(name: str, moment: datetime) -> datetime:
    """A moment in UTC; one that is not aware is on the clocks of a zone, the first time if twice.

    What is not a zone here, since users can write there, is read as UTC.
    """
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    try:
        return moment.replace(tzinfo=_zone(name)).astimezone(UTC)
    except InvalidScheduleError:
        return moment.replace(tzinfo=UTC)


def _from(start: int, table: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """The pairs that hold at a second or later."""
    pairs = [(since, offset) for since, offset in table]
    past = [pair for pair in pairs if pair[0] <= start]
    return [(0, offset) for _, offset in past[-1:]] + pairs[len(past) :]


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime", "Factory"}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidScheduleError(
            f"the time zone {name!r} is not in the time zone database here"
        ) from None


# Schedules of a project have few zones, and their tables are asked for at each look.
@lru_cache(maxsize=256)
def _table(name: str, first: int, last: int) -> Offsets:
    """The pairs between two days since the epoch."""
    zone = _zone(name)

    def offset(second: int) -> int:
        return round(datetime.fromtimestamp(second, zone).utcoffset().total_seconds())  # type: ignore[union-attr]

    pairs = [(0, offset(first * _DAY))]
    for day in range(first, last):
        low, high = day * _DAY, (day + 1) * _DAY
        if offset(high) == pairs[-1][1]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if offset(middle) == pairs[-1][1]:
                low = middle
            else:
                high = middle
        pairs.append((high, offset(high)))
    return tuple(pairs)
