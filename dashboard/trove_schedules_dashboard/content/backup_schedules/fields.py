# SPDX-License-Identifier: Apache-2.0
"""The fields of the forms, and which of them are folded away."""

from __future__ import annotations

from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from horizon import forms

from trove_schedules.schedules.options import OPTIONS, QUALIFIERS, Option

FULL, INCREMENTAL, PARENT = "full", "incremental", "parent"
KINDS = (
    (FULL, _("Full")),
    (INCREMENTAL, _("Incremental: on the schedule's own newest backup")),
    (PARENT, _("Increment of one backup, always the same")),
)

#: Patterns that can be chosen; the first choice stands for every other pattern.
PRESETS = (
    ("", _("Own pattern")),
    ("0 * * * *", _("Every hour, on the hour")),
    ("0 2 * * *", _("Every day at 02:00")),
    ("0 2 * * mon-fri", _("Monday to Friday at 02:00")),
    ("0 2 * * sun", _("Every Sunday at 02:00")),
    ("0 2 1 * *", _("The first of each month at 02:00")),
)

#: What the forms leave out: the suffixes of pings, which hardly anybody needs.
_LEFT_OUT = tuple(QUALIFIERS["notify_url"])
#: The options whose fields are made from the table.
ASKED = tuple(
    name
    for name, each in OPTIONS.items()
    if name not in (*_LEFT_OUT, "pattern", "parent_id") and each.kind is not bool
)
#: What and when, in the order of the form. All else is folded away.
WHAT_AND_WHEN = ("instance", "name", "preset", "pattern", "timezone", "keep_last", "keep_days")
_OF_KIND = ("kind", "parent_id", "full_every")
ADVANCED = (*_OF_KIND, *(name for name in ASKED if name not in (*WHAT_AND_WHEN, *_OF_KIND)))


def field(option: Option) -> Any:
    """The field of an option, as the product's table has it: a number, a choice, or a text."""
    texts = texts_of(option)
    if option.choices:
        choices = [(each, _(each)) for each in option.choices]
        return forms.ChoiceField(choices=choices, initial=option.default, **texts)
    if option.kind is str:
        return forms.CharField(max_length=option.most, initial=option.default, **texts)
    # Not a number's widget: Horizon gives that one buttons which a screen reader can't tell.
    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
    return forms.IntegerField(min_value=1, max_value=option.most, widget=widget, **texts)


def texts_of(option: Option) -> dict[str, Any]:
    """The label and the help of an option's field, and whether it may be empty."""
    said = {"help": _(option.help), "otherwise": _(option.otherwise)}
    empty = "" if option.choices else option.otherwise
    return {
        "label": _(option.title),
        "required": not option.can_be_unset and option.kind is str,
        "help_text": format_lazy(_("{help}. Empty: {otherwise}."), **said)
        if empty
        else format_lazy("{help}.", **said),
    }


def preset_of(pattern: str | None) -> str:
    """The choice of *How often* that a pattern is."""
    plain = " ".join((pattern or "").lower().split())
    return plain if plain in dict(PRESETS) else ""
