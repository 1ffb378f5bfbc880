# SPDX-License-Identifier: Apache-2.0
"""What the arguments of the public methods may be, checked by their names before any request."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from trove_schedules.backups.restore import Like, ScheduleRestore
from trove_schedules.declared import Step, document
from trove_schedules.errors import InvalidPatternError, InvalidScheduleError
from trove_schedules.health import Limits
from trove_schedules.schedules.options import OPTIONS, Changes, MoreOptions
from trove_schedules.schedules.policy import PolicyChanges, PolicyOptions
from trove_schedules.schedules.schedule import ScheduleTrial
from trove_schedules.schedules.selection import POLICY_OPTIONS

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _has_id(value: object) -> bool:
    return isinstance(value, str) or isinstance(getattr(value, "id", None), str)


def _is_aware(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


def _is_several(each_is: Callable[[object], bool]) -> Callable[[object], bool]:
    def is_several(value: object) -> bool:
        if not isinstance(value, Collection) or isinstance(value, str | bytes | Mapping):
            return False
        return all(each_is(each) for each in value)

    return is_several


#: Options that methods take, by the annotation of ``**options``.
_TAKEN: dict[str, type] = {
    "Unpack[MoreOptions]": MoreOptions,
    "Unpack[Changes]": Changes,
    "Unpack[PolicyOptions]": PolicyOptions,
    "Unpack[PolicyChanges]": PolicyChanges,
    "Unpack[Like]": Like,
}
_TYPES: dict[type, tuple[Callable[[Any], bool], str]] = {
    str: (_is_text, "a text"),
    int: (lambda value: type(value) is int, "a whole number"),
    bool: (lambda value: type(value) is bool, "True or False"),
    tuple: (_is_several(_is_text), "a list of texts"),
}
#: Of each argument, a test and what passes it; None passes where its annotation has it.
_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    **{name: _TYPES[option.kind] for name, option in (OPTIONS | POLICY_OPTIONS).items()},
    "schedule": (_has_id, "the ID or name of a schedule, or a Schedule"),
    "policy": (_has_id, "the ID or name of a policy, or a Policy"),
    "policies": (_is_several(_has_id), "a list of IDs or names of policies, or of Policies"),
    "schedules": (_is_several(_has_id), "a list of IDs or names of schedules, or of Schedules"),
    "instance": (_has_id, "the ID or name of an instance, or an object with an ID"),
    "backup": (_has_id, "the ID of a backup, or an object with an ID"),
    "execution": (_has_id, "the ID of an execution, or a ScheduleExecution"),
    "marker": (_has_id, "the ID of an execution, or a ScheduleExecution"),
    "parent_id": (_has_id, "the ID of a backup, or an object with an ID"),
    "at": (lambda value: isinstance(value, str | datetime), "a datetime, or a text of ISO 8601"),
    "restore": (
        lambda value: isinstance(value, ScheduleRestore) and value.instance_id is not None,
        "what schedule_restore returned",
    ),
    "volume_size": _TYPES[int],
    **dict.fromkeys(("flavor", "datastore_version", "network", "configuration"), _TYPES[str]),
    "trial": (lambda value: isinstance(value, ScheduleTrial), "what schedule_trial returned"),
    "limits": (lambda value: isinstance(value, Limits), "a trove_schedules.health.Limits"),
    "since": (_is_aware, "a datetime with a time zone"),
    "unset": (_is_several(_is_text), "a list of names of options"),
    "exclude": (_is_several(_is_text), "a list of patterns of instances' names"),
    "max_age": (
        lambda value: isinstance(value, timedelta) and value > timedelta(0),
        "a datetime.timedelta above 0",
    ),
    "declared": (
        document.is_one,
        "a mapping that holds a list 'schedules', a list 'policies', or both",
    ),
    "step": (lambda value: isinstance(value, Step), "one of what schedule_steps returned"),
    "limit": _TYPES[int],
    "report": (callable, "a function of one text"),
    "mistral_client": (
        lambda value: hasattr(value, "cron_triggers"),
        "a client of python-mistralclient",
    ),
    "session": (lambda value: hasattr(value, "get_endpoint"), "a keystoneauth session"),
    **dict.fromkeys(("cloud", "region_name", "interface", "project"), _TYPES[str]),
    **dict.fromkeys(
        ("force", "include_all", "drills_only", "dry_run", "mark", "prune", "public", "secrets"),
        _TYPES[bool],
    ),
}


def checked(function: Callable[P, T]) -> Callable[P, T]:
    """The function, but a wrong type of an argument is an InvalidScheduleError that names it.

    Options that it takes as ``**options`` are arguments of their own to whoever looks at its
    signature, and one that is unknown is a TypeError.
    """
    signature = _with_options(inspect.signature(function))

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            if name != "self":
                may_be_none = "None" in str(signature.parameters[name].annotation)
                _check(name, value, may_be_none=may_be_none)
        return function(*args, **kwargs)

    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _with_options(signature: inspect.Signature) -> inspect.Signature:
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            names = _TAKEN[parameter.annotation].__annotations__
            parameters += [
                inspect.Parameter(
                    name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=None,
                    annotation=annotation.__forward_arg__,
                )
                for name, annotation in names.items()
            ]
        else:
            parameters.append(parameter)
    return signature.replace(parameters=parameters)


def checked_methods(cls: type[C]) -> type[C]:
    """The class, with every public method of its own checked."""
    for name, method in list(vars(cls).items()):
        if inspect.isfunction(method) and not name.startswith("_"):
            setattr(cls, name, checked(method))
    return cls


def _check(name: str, value: object, *, may_be_none: bool) -> None:
    if value is None and may_be_none:
        return
    fits, wanted = _KINDS[name]
    if fits(value):
        return
    # Whoever knows the value of a secret option could use it.
    secret = name == "declared" or (name in OPTIONS and OPTIONS[name].secret)
    told = f"a {type(value).__name__}" if secret else repr(value)
    kind = InvalidPatternError if name == "pattern" else InvalidScheduleError
    raise kind(f"the argument {name} can't be {told}; give {wanted}")
