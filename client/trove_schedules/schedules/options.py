# SPDX-License-Identifier: Apache-2.0
"""The table of a schedule's options, which all that takes, checks or shows one reads.

More than 300 lines, because each option is a row.

A row is a field of :class:`Options`. It gives an option its name, its type, what a schedule has
without it, and an :class:`Option` with everything else. The API's checks, ``create``, ``set``,
``unset`` and ``show``, the dashboard's forms and the reference page follow it. An option that
isn't one of the spec's arguments has a line in :class:`MoreOptions` too, for type checkers.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypedDict

from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.zones import USUAL

if TYPE_CHECKING:
    from trove_schedules.ids import HasId


@dataclass(frozen=True, slots=True)
class Option:
    """What is to be known of an option, besides its type.

    :ivar title: its label in a form.
    :ivar help: what it does, without a period.
    :ivar unit: what its value is called in a command's help: a unit, or a kind of thing.
    :ivar most: the largest number that it may be, the smallest is 1; or a text's most characters.
    :ivar otherwise: what a new schedule does without it, in words.
    :ivar can_be_unset: whether a schedule can be without it.
    :ivar secret: whether its value is left out of errors.
    :ivar choices: the only values of a text, or none where any will do.
    :ivar of: the option without which it means nothing.
    :ivar argument: its option on the command line, where that isn't made from its name.
    :ivar name: as an argument of the API; from the row, as the other two are.
    :ivar kind: ``str``, ``int`` or ``bool``; ``tuple`` for several texts.
    :ivar default: what a schedule has without it.
    """

    title: str
    help: str
    unit: str = ""
    most: int | None = None
    otherwise: str = ""
    can_be_unset: bool = True
    secret: bool = False
    choices: tuple[str, ...] = ()
    of: str = ""
    argument: str = ""
    name: str = ""
    kind: type = str
    default: Any = None

    def takes(self, value: object) -> bool:
        """Whether this is of the option's type and, for a number, within its bounds."""
        if self.choices:
            return value in self.choices
        if not isinstance(value, int) or self.most is None:
            return type(value) is self.kind
        return type(value) is self.kind and 1 <= value <= self.most

    def check_number(self, value: object) -> None:
        """Refuse a number that is out of bounds.

        :raises InvalidScheduleError: it is.
        """
        if not self.takes(value):
            raise InvalidScheduleError(
                f"{self.name.replace('_', '-')} {value!r} is not a number from 1 to {self.most}"
            )


def row(title: str, help: str, **more: Any) -> dict[str, Option]:
    """The metadata of a field that is an option."""
    return {"option": Option(title, help, **more)}


def _period_row(title: str, periods: str) -> dict[str, Option]:
    return row(
        title,
        f"Keep the newest backup of each of the last N {periods} that have one, and what it builds "
        "on; delete others after each success. With other rules too, a backup is kept if any rule "
        "keeps it",
        unit="N",
        most=1000,
        otherwise="delete none",
    )


@dataclass(frozen=True, slots=True)
class Options:
    """What a schedule is to do, by option.

    ``parent_id`` or ``incremental`` say what each backup builds on; without them it is full.
    """

    pattern: str = field(
        metadata=row(
            "Pattern",
            "When to make backups, in the schedule's time zone. Five cron fields in quotes: "
            "minute, hour, day of month, month, day of week. '0 2 * * *' is every day at 02:00. "
            "H, or H(1-4), is a value chosen once for each schedule: 'H H(1-4) * * *' spreads "
            "schedules over the hours from 1 to 4. L is the last day of the month, MON#1 its first "
            "Monday. If both day fields are set, the schedule runs when either matches. "
            "@hourly, @daily, @weekly, @monthly and @yearly stand for whole patterns",
            unit="pattern",
            can_be_unset=False,
        )
    )
    name: str = field(
        metadata=row("Name", "Name of the backups", unit="name", most=255, can_be_unset=False)
    )
    description: str | None = field(
        default=None,
        # With its marker, it has 255 characters.
        metadata=row("Description", "Description of the backups", unit="description", most=207),
    )
    parent_id: str | None = field(
        default=None,
        metadata=row(
            "Parent",
            "Make every backup an increment of this one completed backup (ID)",
            unit="backup",
            argument="--parent",
        ),
    )
    timezone: str = field(
        default=USUAL,
        metadata=row(
            "Time zone",
            "Time zone of the pattern, by its IANA name, such as Europe/Berlin",
            unit="zone",
            otherwise=USUAL,
            can_be_unset=False,
        ),
    )
    incremental: bool = field(
        default=False,
        metadata=row(
            "Incremental",
            "Make every backup an increment of the schedule's newest completed backup; the first "
            "one is full",
        ),
    )
    full_every: int | None = field(
        default=None,
        metadata=row(
            "Full every",
            "Start a new full backup every N backups (incremental schedules only)",
            unit="N",
            most=100,
            otherwise="only the first backup is full",
        ),
    )
    keep_last: int | None = field(
        default=None,
        metadata=row(
            "Keep the newest",
            "Keep the newest N backups and what they build on; delete older ones after each "
            "success",
            unit="N",
            most=1000,
            otherwise="delete none",
        ),
    )
    keep_days: int | None = field(
        default=None,
        metadata=row(
            "Keep for days",
            "Keep the backups of this many days, the newest one, and what they build on; delete "
            "older ones after each success. With other rules too, a backup is kept if any rule "
            "keeps it",
            unit="days",
            most=36500,
            otherwise="delete none",
        ),
    )
    keep_hourly: int | None = field(default=None, metadata=_period_row("Keep hourly", "hours"))
    keep_daily: int | None = field(default=None, metadata=_period_row("Keep daily", "days"))
    keep_weekly: int | None = field(
        default=None,
        metadata=_period_row("Keep weekly", "ISO weeks (from Monday to Sunday)"),
    )
    keep_monthly: int | None = field(default=None, metadata=_period_row("Keep monthly", "months"))
    keep_yearly: int | None = field(default=None, metadata=_period_row("Keep yearly", "years"))
    swift_container: str | None = field(
        default=None,
        metadata=row(
            "Swift container",
            "Swift container in which Trove stores the backups",
            unit="container",
            most=256,
            otherwise="the one that Trove is configured for",
        ),
    )
    storage_driver: str | None = field(
        default=None,
        metadata=row(
            "Storage driver",
            "Kind of storage to which Trove sends the backups, such as swift; which there are, the "
            "operator decides",
            unit="driver",
            most=64,
            otherwise="the one that Trove is configured for",
        ),
    )
    attempts: int = field(
        default=1,
        metadata=row(
            "Attempts",
            "Try up to N times for each due time, until there is a backup; 1: no further attempts",
            unit="N",
            most=12,
            otherwise="3 if the pattern leaves room for it, else 1",
            can_be_unset=False,
        ),
    )
    retry_every: int | None = field(
        default=None,
        metadata=row(
            "Minutes between attempts",
            "Minutes between attempts",
            unit="minutes",
            most=59,
            otherwise="20, or what fits the pattern",
            can_be_unset=False,
        ),
    )
    deadline: int | None = field(
        default=None,
        metadata=row(
            "Deadline in minutes",
            "Start no backup more than this many minutes after its due time",
            unit="minutes",
            most=1440,
            otherwise="none",
        ),
    )
    notify_url: str | None = field(
        default=None,
        metadata=row(
            "Notify URL",
            "URL that Mistral pings when a run starts, succeeds or fails, such as a check of "
            "healthchecks.io. A failed ping changes nothing. Everybody in the project can read "
            "the URL, and it appears in Mistral's log",
            unit="url",
            otherwise="no pings",
            secret=True,
        ),
    )
    notify_start: str = field(
        default="/start",
        metadata=row(
            "Suffix for the start",
            "Suffix added to the URL for the start ping; it begins with / or ? (empty: no suffix; "
            "-: no ping)",
            unit="suffix",
            otherwise="/start",
            of="notify_url",
            can_be_unset=False,
        ),
    )
    notify_success: str = field(
        default="",
        metadata=row(
            "Suffix for success",
            "Suffix added to the URL for the success ping; it begins with / or ? (empty: no "
            "suffix; -: no ping)",
            unit="suffix",
            otherwise="empty",
            of="notify_url",
            can_be_unset=False,
        ),
    )
    notify_fail: str = field(
        default="/fail",
        metadata=row(
            "Suffix for failure",
            "Suffix added to the URL for the failure ping; it begins with / or ? (empty: no "
            "suffix; -: no ping)",
            unit="suffix",
            otherwise="/fail",
            of="notify_url",
            can_be_unset=False,
        ),
    )
    webhook_url: str | None = field(
        default=None,
        metadata=row(
            "Webhook URL",
            "URL to which Mistral sends (POST) what became of a run, such as a webhook of a chat, "
            "or Alertmanager's. An answer changes nothing. Everybody in the project can "
            "read the URL, and it appears in Mistral's log",
            unit="url",
            otherwise="none",
            secret=True,
        ),
    )
    webhook_on: str = field(
        default="failure",
        metadata=row(
            "Webhook on",
            "Of which runs the webhook is told: those that fail, those that make a backup, or both",
            unit="outcome",
            otherwise="failure",
            choices=("failure", "success", "always"),
            of="webhook_url",
            can_be_unset=False,
        ),
    )
    webhook_format: str = field(
        default="json",
        metadata=row(
            "Webhook format",
            "What the webhook is sent: a JSON object with all that is known, the text that Slack "
            "and its kin take, or an alert for Alertmanager (its URL ends with /api/v2/alerts)",
            unit="format",
            otherwise="json",
            choices=("json", "slack", "alertmanager"),
            of="webhook_url",
            can_be_unset=False,
        ),
    )

    @property
    def rules(self) -> dict[str, int]:
        """The rules of retention that are set, by option; empty: no backup is ever deleted."""
        found = {name: getattr(self, name) for name in RULES}
        return {name: number for name, number in found.items() if number is not None}


class MoreOptions(TypedDict, total=False):
    """The options beyond the spec's arguments, as callers give them; None: it isn't given."""

    timezone: str | None
    incremental: bool | None
    full_every: int | None
    keep_last: int | None
    keep_days: int | None
    keep_hourly: int | None
    keep_daily: int | None
    keep_weekly: int | None
    keep_monthly: int | None
    keep_yearly: int | None
    swift_container: str | None
    storage_driver: str | None
    attempts: int | None
    retry_every: int | None
    deadline: int | None
    notify_url: str | None
    notify_start: str | None
    notify_success: str | None
    notify_fail: str | None
    webhook_url: str | None
    webhook_on: str | None
    webhook_format: str | None


class Changes(MoreOptions, total=False):
    """What can be changed of a schedule; None: it stays."""

    pattern: str | None
    name: str | None
    description: str | None
    parent_id: str | HasId | None


_KINDS = {"str": str, "int": int, "bool": bool, "tuple": tuple}


def table_of(options: type) -> dict[str, Option]:
    """The options that are the fields of a class, by name, in the order in which people read them.

    Their types are as the class has them written.
    """
    return {
        each.name: replace(
            each.metadata["option"],
            name=each.name,
            kind=_KINDS[re.split(r"\W", str(each.type))[0]],
            default=None if each.default is MISSING else each.default,
            argument=each.metadata["option"].argument or f"--{each.name.replace('_', '-')}",
        )
        for each in fields(options)
    }


#: The options of a schedule.
OPTIONS: dict[str, Option] = table_of(Options)
#: Those that are numbers, and the largest that each may be.
NUMBERS = {name: each.most for name, each in OPTIONS.items() if each.kind is int and each.most}
#: The rules of retention.
RULES = tuple(name for name in OPTIONS if name.startswith("keep_"))
#: Where Trove stores a backup.
STORES = ("swift_container", "storage_driver")
#: What a schedule can be without.
UNSETTABLE = tuple(name for name, each in OPTIONS.items() if each.can_be_unset)
#: What a schedule has where it says nothing else, of the options that mean nothing without another
#: one, by that.
QUALIFIERS: dict[str, dict[str, Any]] = {
    url: {name: each.default for name, each in OPTIONS.items() if each.of == url}
    for url in ("notify_url", "webhook_url")
}
