# SPDX-License-Identifier: Apache-2.0
"""The health of those schedules that are asked for, whether Mistral answers or not."""

from __future__ import annotations

from collections.abc import Collection

from trove_schedules.errors import ServiceUnavailableError
from trove_schedules.health import without_mistral
from trove_schedules.health.state import Health, Limits
from trove_schedules.health.survey import survey
from trove_schedules.ids import HasId, id_of
from trove_schedules.lists import Lists
from trove_schedules.triggers.finding import find_each


def health_of(
    lists: Lists,
    wanted: Collection[str | HasId],
    instance: str | None,
    limits: Limits,
) -> list[Health]:
    """The state of schedules, the worst first.

    :param wanted: which; none means every one, or every one of the instance. One that is given as
        a :class:`Schedule` is judged as it is.
    :param instance: the id or name of one.
    :raises ScheduleNotFoundError: there is no such schedule. While Mistral is down, schedules are
        known by the backups that they made.
    """
    services = lists.services
    try:
        found = (
            find_each(services, wanted, instance)
            if wanted or instance is not None
            else lists.schedules
        )
    except ServiceUnavailableError as error:
        if error.service != "Mistral":
            raise
        ids = {id_of(each) for each in wanted}
        return without_mistral.survey(services.trove, instance, ids, limits, error)
    # The same one may be asked for by its id and by its name.
    return survey(lists, list({each.id: each for each in found}.values()), limits)
