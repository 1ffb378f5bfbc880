# SPDX-License-Identifier: Apache-2.0
"""How times and kinds of schedules are written on all pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _

from trove_schedules import Schedule, ScheduleExecution
from trove_schedules.health import Health
from trove_schedules_dashboard import api


def now() -> datetime:
    """The time by which pages say how long something has been going on, in UTC."""
    return datetime.now(UTC)


def utc(time: datetime | None) -> str:
    """A time in UTC, which the text says; a dash for none."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time else "-"


def kind(schedule: Schedule) -> str:
    """What each run of the schedule makes."""
    if schedule.parent_id:
        return _("Increment of %s") % schedule.parent_id
    if not schedule.incremental:
        return _("Full")
    if schedule.full_every:
        return _("Incremental, a full backup every %d") % schedule.full_every
    return _("Incremental")


def next_run(schedule: Schedule) -> str:
    """When the schedule is due next, or that it is paused."""
    time = schedule.next_execution_time
    if schedule.paused or time is None:
        return _("Paused") if schedule.paused else utc(None)
    local = api.local_time(schedule.timezone, time)
    return f"{utc(time)} ({local})" if local else utc(time)


def retention(schedule: Schedule) -> str:
    """Which of its backups the schedule keeps."""
    words = {
        "keep_last": _("the newest %d"),
        "keep_days": _("those of the last %d days"),
        "keep_hourly": _("the newest of each of %d hours"),
        "keep_daily": _("the newest of each of %d days"),
        "keep_weekly": _("the newest of each of %d weeks"),
        "keep_monthly": _("the newest of each of %d months"),
        "keep_yearly": _("the newest of each of %d years"),
    }
    return ", ".join(words[rule] % number for rule, number in schedule.rules.items()) or _("all")


def last_proven(health: Health) -> str:
    """When a drill last passed, and which backup that was."""
    if health.last_proven is None:
        return _("Not known")
    values = {"time": utc(health.last_proven), "backup": health.proven_backup}
    return _("%(time)s, backup %(backup)s") % values


def need_help(ill: int, all_of_them: int) -> str:
    """How many schedules of a list need a person."""
    values = {"ill": ill, "all": all_of_them}
    if not all_of_them:
        return ""
    return (
        _("%(ill)d of %(all)d need help.") % values
        if ill
        else _("None of %(all)d needs help.") % values
    )


def attempts(schedule: Schedule) -> str:
    """How often the schedule tries for each due time."""
    if schedule.attempts == 1:
        return "1"
    values = {"attempts": schedule.attempts, "minutes": schedule.retry_every}
    return _("%(attempts)d, %(minutes)d minutes apart") % values


def duration(execution: ScheduleExecution) -> timedelta | None:
    """How long a run took; None while it runs."""
    if execution.state == "RUNNING" or execution.updated_at is None:
        return None
    return execution.updated_at - execution.created_at


def duration_so_far(execution: ScheduleExecution) -> str:
    """How long a run took, or how long it has been running."""
    time = now()
    if not execution.in_progress(time):
        return seconds(duration(execution))
    return _("%s so far") % seconds(time - execution.created_at)


def in_progress(execution: ScheduleExecution, usual: int, *, drill: bool) -> str:
    """How long a run, or a drill, has been going on, and how many seconds one usually takes.

    :param usual: 0 where that is not known.
    """
    values = {"now": seconds(now() - execution.created_at)}
    values["usual"] = seconds(timedelta(seconds=usual))
    if drill:
        said = _("A drill is in progress, for %(now)s so far.")
        if usual:
            said = _("A drill is in progress, for %(now)s so far. Most take %(usual)s.")
    else:
        said = _("A run is in progress, for %(now)s so far.")
        if usual:
            said = _("A run is in progress, for %(now)s so far. Most take %(usual)s.")
    return said % values


def webhook(schedule: Schedule) -> str:
    """What is told of a schedule's runs, and where."""
    values = {
        "url": schedule.webhook_url,
        "on": _(schedule.webhook_on),
        "format": _(schedule.webhook_format),
    }
    return _("%(url)s (%(on)s, %(format)s)") % values


def size(gigabytes: float) -> str:
    """The size of a backup: ``512.0 MB``, ``2.00 GB``."""
    if gigabytes < 1:
        return _("%.1f MB") % (gigabytes * 1024)
    return _("%.2f GB") % gigabytes


def seconds(length: timedelta | None) -> str:
    """A length of time for people: ``4 s``, ``3 min 05 s``."""
    if length is None:
        return "-"
    minutes, rest = divmod(round(length.total_seconds()), 60)
    if not minutes:
        return _("%d s") % rest
    return _("%(minutes)d min %(seconds)02d s") % {"minutes": minutes, "seconds": rest}


def outcome(execution: ScheduleExecution) -> str:
    """What came of a run, in the product's words: why it failed, or what it did."""
    if execution.state == "ERROR":
        return api.why_failed(execution) or "-"
    return str(execution.output.get("status") or "-")
