# SPDX-License-Identifier: Apache-2.0
"""The forms that create and change a schedule, and repeat its drills."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.forms import BoundField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from horizon import forms, messages

from trove_schedules import Backup, Schedule
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.errors import (
    AuthenticationError,
    InvalidPatternError,
    NotDelegableError,
    ScheduledBackupError,
)
from trove_schedules.schedules.options import OPTIONS
from trove_schedules.schedules.warnings import Remark
from trove_schedules_dashboard import api
from trove_schedules_dashboard.content.backup_schedules import text
from trove_schedules_dashboard.content.backup_schedules.failures import report
from trove_schedules_dashboard.content.backup_schedules.fields import (
    ADVANCED,
    ASKED,
    FULL,
    INCREMENTAL,
    KINDS,
    PARENT,
    PRESETS,
    WHAT_AND_WHEN,
    field,
    preset_of,
)

#: These two are changed together: the product chooses anew which of them it isn't given.
GUARD = ("attempts", "retry_every")
#: What a webhook is told of and how, which means nothing without one.
_OF_WEBHOOK = ("webhook_on", "webhook_format")
#: What fields hold that nobody has thought about, besides nothing.
_USUAL = {"kind": FULL} | {name: OPTIONS[name].default for name in _OF_WEBHOOK}


class AskingForm(forms.SelfHandlingForm):
    """A form that asks the product for something, and shows what it says to that."""

    def ask(self, request: HttpRequest, data: dict[str, Any]) -> Any:
        """Ask the product for what the form is about; the answer is true, as Horizon has it."""
        raise NotImplementedError

    def handle(self, request: HttpRequest, data: dict[str, Any]) -> Any:
        try:
            return self.ask(request, data)
        except ScheduledBackupError as error:
            if isinstance(error, AuthenticationError) and not isinstance(error, NotDelegableError):
                report(request, error)
            # Stays in the form, with what was typed.
            self.add_error(self.blamed(error), str(error))
            return False

    def blamed(self, error: ScheduledBackupError) -> str | None:
        """The field that an error is about; None: none, or not one alone."""
        return None


class _PatternForm(AskingForm):
    """A pattern, chosen or typed."""

    usual: Mapping[str, str] = _USUAL
    #: The names of the fields that are folded away.
    folded: tuple[str, ...] = ADVANCED

    preset = forms.ChoiceField(
        label=_("How often"),
        required=False,
        choices=PRESETS,
        help_text=_("Fills the pattern in."),
    )
    pattern = forms.CharField(
        label=_("Pattern"),
        initial="0 2 * * *",
        help_text=_("Minute, hour, day of month, month and day of week."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["preset"] = preset_of(self["pattern"].value())

    @property
    def what_and_when(self) -> list[BoundField]:
        return [each for each in self.visible_fields() if each.name not in self.folded]

    @property
    def advanced(self) -> list[BoundField]:
        """The fields that are folded away, in the order of the form."""
        return [each for each in self.visible_fields() if each.name in self.folded]

    @property
    def advanced_is_open(self) -> bool:
        """Whether one of them is wrong, or holds what somebody has chosen."""
        return any(each.errors or self._is_chosen(each) for each in self.advanced)

    def _is_chosen(self, bound: BoundField) -> bool:
        value = str(bound.value() or "")
        return value not in ("", self.usual.get(bound.name))

    def clean_pattern(self) -> str:
        pattern: str = self.cleaned_data["pattern"]
        if pattern:
            _check(api.check_pattern, pattern)
        return pattern


class _OptionsForm(_PatternForm):
    """What can be chosen for a new schedule and changed of an old one."""

    def clean_timezone(self) -> str:
        zone: str = self.cleaned_data["timezone"]
        _check(api.check_zone, zone)
        return zone

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        for name in api.CHECKED.intersection(cleaned):
            if cleaned[name]:
                try:
                    api.check_option(name, cleaned[name])
                except ScheduledBackupError as error:
                    self.add_error(name, str(error))
        changed = any(cleaned.get(name) != self[name].initial for name in _OF_WEBHOOK)
        if changed and not cleaned.get("webhook_url") and not self["webhook_url"].initial:
            self.add_error("webhook_url", _("Type the URL that these runs are told to."))
        return cleaned

    def blamed(self, error: ScheduledBackupError) -> str | None:
        # By itself the pattern is right, so the attempts don't fit it.
        return "attempts" if isinstance(error, InvalidPatternError) else None


def _check(check: Callable[[str], None], value: str) -> None:
    """Have the product check the value of a field; what it says is shown there."""
    try:
        check(value)
    except ScheduledBackupError as error:
        raise forms.ValidationError(str(error)) from error


ScheduleForm: Any = type(
    "ScheduleForm", (_OptionsForm,), {name: field(OPTIONS[name]) for name in ASKED}
)


class CreateForm(ScheduleForm):
    instance = forms.ChoiceField(label=_("Instance"))
    kind = forms.ChoiceField(
        label=_("Kind of backup"),
        choices=KINDS,
        widget=forms.Select(attrs={"class": "switchable", "data-slug": "kind"}),
    )
    parent_id = forms.ChoiceField(
        label=_("Parent"),
        required=False,
        help_text=_("A completed backup of the same instance."),
        widget=forms.Select(
            attrs={
                "class": "switched",
                "data-switch-on": "kind",
                "data-kind-parent": _("Parent"),
            }
        ),
    )
    field_order = (*WHAT_AND_WHEN, *ADVANCED)

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        try:
            names = api.instance_names(request)
            backups = api.backup_list(request)
        except ScheduledBackupError as error:
            report(request, error)
            names, backups = {}, []
        self.fields["instance"].choices = [
            ("", _("Choose an instance") if names else _("There are no instances")),
            *sorted(names.items(), key=lambda item: item[1]),
        ]
        self.fields["parent_id"].choices = _parents(names, backups)
        self.fields["full_every"].widget.attrs |= {
            "class": "switched",
            "data-switch-on": "kind",
            "data-kind-incremental": self.fields["full_every"].label,
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if cleaned.get("kind") == PARENT and not cleaned.get("parent_id"):
            self.add_error("parent_id", _("Choose the backup that each run is an increment of."))
        # What was typed before another kind was chosen.
        if cleaned.get("kind") != INCREMENTAL:
            cleaned["full_every"] = None
        if cleaned.get("kind") != PARENT:
            cleaned["parent_id"] = ""
        return cleaned

    def ask(self, request: HttpRequest, data: dict[str, Any]) -> Schedule:
        schedule = api.schedule_create(
            request,
            data["instance"],
            data["pattern"],
            parent_id=data["parent_id"] or None,
            incremental=data["kind"] == INCREMENTAL,
            **{name: data[name] or None for name in ASKED},
        )
        messages.success(
            request,
            _("Created schedule %(name)s. Its first run is due at %(time)s.")
            % {"name": schedule.name, "time": text.utc(schedule.next_execution_time)},
        )
        remark(request, schedule)
        return schedule


class ChangeForm(ScheduleForm):
    """Changes what is there, and sends only what was changed."""

    #: Tells what somebody has changed since the form was shown.
    generation = forms.IntegerField(widget=forms.HiddenInput())

    def __init__(self, request: HttpRequest, *args: Any, schedule: Schedule, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.schedule = schedule
        self.usual = _USUAL | api.usual_attempts(schedule.pattern)
        self.fields["attempts"].required = True
        if not schedule.incremental:
            del self.fields["full_every"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if cleaned.get("generation") != self.schedule.generation:
            raise forms.ValidationError(
                _("This was changed since the form was opened. Open it again.")
            )
        return cleaned

    def old(self) -> dict[str, Any]:
        """The options as they are."""
        return {name: getattr(self.schedule, name) for name in ("pattern", *ASKED)}

    def given(self, data: dict[str, Any]) -> dict[str, Any]:
        """The options as they are to be."""
        return {name: data.get(name) or None for name in ("pattern", *ASKED)}

    def change(self, request: HttpRequest, unset: list[str], changes: dict[str, Any]) -> Any:
        """Have the product change it, and say so."""
        raise NotImplementedError

    def ask(self, request: HttpRequest, data: dict[str, Any]) -> Any:
        old, given = self.old(), self.given(data)
        if given["webhook_url"] is None:
            given |= {name: old[name] for name in _OF_WEBHOOK}
        if given["attempts"] == 1 and given["retry_every"] == old["retry_every"]:
            # What was between the attempts that are no more.
            given["retry_every"] = None
        changed = [name for name in old if given[name] != old[name]]
        unset = [name for name in changed if not given[name] and name not in GUARD]
        if not set(GUARD).isdisjoint(changed):
            changed += [name for name in GUARD if name not in changed]
        return self.change(request, unset, {name: given[name] for name in changed if given[name]})


class EditForm(ChangeForm):
    field_order = (*WHAT_AND_WHEN, *ADVANCED)

    def change(self, request: HttpRequest, unset: list[str], changes: dict[str, Any]) -> Schedule:
        schedule = api.schedule_set(request, self.schedule.id, unset, changes)
        messages.success(request, _("Changed schedule %s.") % schedule.name)
        remark(request, schedule)
        return schedule


class Draft(AskingForm):
    """What has been typed so far, however little that is. The options' fields are another's."""

    def __init__(
        self, request: HttpRequest, *args: Any, schedule: Schedule | None, **kwargs: Any
    ) -> None:
        super().__init__(request, *args, **kwargs)
        self.schedule = schedule
        self.fields["name"].required = False
        self.fields["kind"] = forms.ChoiceField(choices=KINDS, required=False)

    def subject(self) -> str:
        """The instance that it is of; empty where none is chosen yet."""
        raise NotImplementedError

    def options(self) -> dict[str, Any]:
        """What has been typed, by the names of the options."""
        data = self.cleaned_data
        return {name: data[name] or None for name in ASKED} | {"name": data["name"] or "0"}

    def remarks(self) -> list[Remark]:
        """What people should know of what this makes; nothing without its instance.

        :raises InvalidScheduleError: the options don't go together.
        """
        data, old = self.cleaned_data, self.schedule
        instance = self.subject()
        if not instance:
            return []
        options = self.options()
        incremental = old.incremental if old else data["kind"] == INCREMENTAL
        if not incremental:
            options["full_every"] = None
        return api.draft_remarks(
            self.request, old, instance, data["pattern"], incremental=incremental, **options
        )


class DraftForm(Draft, ScheduleForm):
    """What has been typed so far of a schedule, new or old, however little that is."""

    instance = forms.CharField(required=False)

    def subject(self) -> str:
        instance: str = self.cleaned_data["instance"]
        return self.schedule.instance if self.schedule else instance


class RepeatForm(_PatternForm):
    """Has drills of a schedule done by a pattern, or no more by any."""

    field_order = ("preset", "pattern")

    def __init__(self, request: HttpRequest, *args: Any, schedule: Schedule, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.schedule = schedule
        self.fields["pattern"].required = False
        self.fields["pattern"].help_text = _(
            "Minute, hour, day of month, month and day of week, in UTC. Empty: stop repeating."
        )

    def blamed(self, error: ScheduledBackupError) -> str | None:
        return "pattern" if isinstance(error, InvalidPatternError) else None

    def ask(self, request: HttpRequest, data: dict[str, Any]) -> bool:
        pattern = data["pattern"] or None
        drill = self.repeat(request, pattern)
        said = _("Drills of %(name)s are repeated no more.")
        if drill is not None:
            said = _("Drills of %(name)s are repeated. The next is due at %(time)s.")
        time = text.utc(drill.next_execution_time) if drill else ""
        messages.success(request, said % {"name": self.schedule.name, "time": time})
        return True

    def repeat(self, request: HttpRequest, pattern: str | None) -> ScheduleDrill | None:
        return api.schedule_drill_every(request, self.schedule.id, pattern)


def remark(request: HttpRequest, schedule: Schedule) -> None:
    """Say what people should know of a schedule, which is there whatever comes of this."""
    try:
        found = api.remarks(request, schedule)
    except ScheduledBackupError as error:
        messages.warning(request, str(error))
        return
    for each in found:
        (messages.warning if each.warning else messages.info)(request, each.said)


def _parents(names: dict[str, str], backups: Iterable[Backup]) -> list[Any]:
    """The backups that can be parents, in a group for each instance."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for each in backups:
        if each.status == "COMPLETED" and each.instance_id in names:
            title = f"{each.name} ({text.utc(each.created)})"
            groups.setdefault(each.instance_id, []).append((each.id, title))
    grouped = [(names[instance], choices) for instance, choices in groups.items()]
    return [("", _("Choose a backup")), *grouped]
