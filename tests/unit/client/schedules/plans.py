# SPDX-License-Identifier: Apache-2.0
"""Plans for the tests: one, and any that passes its check."""

from hypothesis import strategies as st

from trove_schedules.errors import InvalidPatternError
from trove_schedules.schedules.changing import with_attempts
from trove_schedules.schedules.options import NUMBERS, OPTIONS, QUALIFIERS
from trove_schedules.schedules.plan import Plan

INSTANCE = "5328f62a-d999-4be3-90bb-83cc6af4469c"
SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
BACKUP = "0d8c4bd9-0d2c-4cd6-9b0d-1b9ff6e4c0a7"
NIGHTLY = Plan("0 2 * * *", "nightly", attempts=3, retry_every=20)


def number(name):
    return st.none() | st.integers(1, NUMBERS[name])


NOTIFIES = st.fixed_dictionaries(
    {"notify_url": st.just("https://hc.test/ping/1")},
    optional=dict.fromkeys(
        QUALIFIERS["notify_url"], st.sampled_from(["", "-", "/start", "?status=up"])
    ),
)
WEBHOOKS = st.fixed_dictionaries(
    {"webhook_url": st.just("https://chat.test/hook?token=1")},
    optional={name: st.sampled_from(OPTIONS[name].choices) for name in QUALIFIERS["webhook_url"]},
)


@st.composite
def plans(draw):
    """Plans that pass their check."""
    incremental = draw(st.booleans())
    plan = Plan(
        pattern=draw(st.sampled_from(["0 2 * * *", "H H(1-4) * * *", "*/15 * * * *", "5 4 * * 1"])),
        name=draw(st.sampled_from(["nightly", "<% env() %> a", "é 资料 1"])),
        description=draw(st.none() | st.sampled_from(["", "before the batch"])),
        parent_id=draw(st.none() | st.just(BACKUP)) if not incremental else None,
        incremental=incremental,
        full_every=draw(number("full_every")) if incremental else None,
        keep_last=draw(number("keep_last")),
        keep_days=draw(number("keep_days")),
        keep_daily=draw(number("keep_daily")),
        keep_yearly=draw(number("keep_yearly")),
        swift_container=draw(st.none() | st.just("orders")),
        deadline=draw(number("deadline")),
        **draw(st.just({}) | NOTIFIES),
        **draw(st.just({}) | WEBHOOKS),
    ).checked(SCHEDULE)
    attempts = draw(st.sampled_from([None, 1, 2, 3]))
    try:
        return with_attempts(plan, attempts, None).checked(SCHEDULE)
    except InvalidPatternError:
        return plan
