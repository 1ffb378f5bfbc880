# SPDX-License-Identifier: Apache-2.0
"""The forms that create and change a policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _, gettext_noop
from horizon import forms, messages

from trove_schedules import Policy
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.errors import ScheduledBackupError
from trove_schedules.schedules.names import EVERY
from trove_schedules.schedules.selection import SELECTING
from trove_schedules_dashboard import api
from trove_schedules_dashboard.content.backup_schedules import text
from trove_schedules_dashboard.content.backup_schedules.fields import (
    ADVANCED,
    ASKED,
    INCREMENTAL,
    KINDS,
    PARENT,
    WHAT_AND_WHEN,
    field,
    texts_of,
)
from trove_schedules_dashboard.content.backup_schedules.forms import (
    ChangeForm,
    Draft,
    RepeatForm as ScheduleRepeatForm,
    ScheduleForm,
    remark,
)

#: Options that are several texts, one a line in the form, and what it says of each.
_LISTS = {
    "match": gettext_noop(
        "Take the instances whose name or ID fits one of these patterns, one a line, with *, ? and "
        "[…] as shells have them"
    ),
    "exclude": gettext_noop(
        "Leave out the instances whose name or ID fits one of these patterns, one a line, whatever "
        "else they fit"
    ),
    "datastores": gettext_noop(
        "Take the instances of these datastores only, one a line, such as mysql"
    ),
}
_FIRST = ("name", "match", "exclude")
_FOLDED = ("kind", "full_every", "datastores", "replicas", "max_parallel", *ADVANCED)
_ORDER = (*_FIRST, *WHAT_AND_WHEN, *_FOLDED)


def _selecting(name: str) -> Any:
    option = SELECTING[name]
    if option.kind is int:
        return field(option)
    if option.kind is bool:
        return forms.BooleanField(**texts_of(option))
    widget = forms.Textarea(attrs={"rows": 2, "spellcheck": "false"})
    return forms.CharField(widget=widget, **texts_of(replace(option, help=_LISTS[name])))


class _Selecting(ScheduleForm):
    """A form with the selection of a policy among its fields."""

    folded = _FOLDED

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        for name in _LISTS:
            cleaned[name] = _lines(cleaned.get(name) or "")
            try:
                api.check_selection({name: cleaned[name]})
            except ScheduledBackupError as error:
                self.add_error(name, str(error))
        return cleaned


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


#: A form of what can be chosen for a new policy and changed of an old one.
_PolicyFields: Any = type(
    "_PolicyFields", (_Selecting,), {name: _selecting(name) for name in SELECTING}
)


class CreateForm(_PolicyFields):
    kind = forms.ChoiceField(
        label=_("Kind of backup"),
        choices=[each for each in KINDS if each[0] != PARENT],
        widget=forms.Select(attrs={"class": "switchable", "data-slug": "kind"}),
    )
    field_order = _ORDER

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["full_every"].widget.attrs |= {
            "class": "switched",
            "data-switch-on": "kind",
            "data-kind-incremental": self.fields["full_every"].label,
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        # What was typed before another kind was chosen.
        if cleaned.get("kind") != INCREMENTAL:
            cleaned["full_every"] = None
        return cleaned

    def ask(self, request: HttpRequest, data: dict[str, Any]) -> Policy:
        options = {name: data[name] or None for name in ASKED if name != "name"}
        policy = api.policy_create(
            request,
            data["name"],
            data["pattern"],
            incremental=data["kind"] == INCREMENTAL,
            **options,
            **{name: data[name] for name in SELECTING},
        )
        messages.success(
            request,
            _("Created policy %(name)s. Its first run is due at %(time)s.")
            % {"name": policy.name, "time": text.utc(policy.next_execution_time)},
        )
        remark(request, policy)
        return policy


class EditForm(ChangeForm, _PolicyFields):
    schedule: Policy
    field_order = _ORDER

    def old(self) -> dict[str, Any]:
        selection = self.schedule.selection
        return super().old() | {name: getattr(selection, name) for name in SELECTING}

    def given(self, data: dict[str, Any]) -> dict[str, Any]:
        return super().given(data) | {name: data[name] for name in SELECTING}

    def change(self, request: HttpRequest, unset: list[str], changes: dict[str, Any]) -> Policy:
        policy = api.policy_set(request, self.schedule.id, unset, changes)
        messages.success(request, _("Changed policy %s.") % policy.name)
        remark(request, policy)
        return policy


class DraftForm(Draft, _PolicyFields):
    """What has been typed so far of a policy, new or old, however little that is."""

    def subject(self) -> str:
        return EVERY

    def options(self) -> dict[str, Any]:
        return super().options() | {name: self.cleaned_data[name] for name in SELECTING}


def shown(policy: Policy) -> dict[str, Any]:
    """The selection as the form shows it."""
    values = {name: getattr(policy.selection, name) for name in SELECTING}
    return values | {name: "\n".join(values[name]) for name in _LISTS}


class RepeatForm(ScheduleRepeatForm):
    """Has the instances of a policy drilled in turn by a pattern, or no more by any."""

    def repeat(self, request: HttpRequest, pattern: str | None) -> ScheduleDrill | None:
        return api.policy_drill_every(request, self.schedule.id, pattern)
