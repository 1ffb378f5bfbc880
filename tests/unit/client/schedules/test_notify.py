# SPDX-License-Identifier: Apache-2.0
"""Which URLs and suffixes a schedule may have its runs ping."""

from typing import Any

import pytest
import yaml
from hypothesis import given, strategies as st

from trove_schedules import workbook
from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.notify import MAX_URL, check_notify_url as check_url, check_suffix
from trove_schedules.schedules.options import QUALIFIERS


@pytest.mark.parametrize(
    "url",
    [
        "https://hc-ping.com/0d8c4bd9-0d2c-4cd6-9b0d-1b9ff6e4c0a7",
        "http://uptime.example:3001/api/push/abc",
        "https://[2001:db8::1]/ping/",
        "https://h/" + "x" * (MAX_URL - 10),
    ],
)
def test_a_plain_url_is_taken(url):
    check_url(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "printable ASCII"),
        (None, "printable ASCII"),
        ("https://h/" + "x" * (MAX_URL - 9), f"at most {MAX_URL}"),
        ("https://h/a b", "no blanks"),
        ("https://h/é", "printable ASCII"),
        ("https://h/a\n", "printable ASCII"),
        ("hc-ping.com/secret", "not with nothing:"),
        ("file:///etc/secret", "not with file:"),
        ("https:///secret", "a host"),
        ("https://[::1/secret", "not a URL"),
        ("https://h:99999/secret", "not a URL"),
        ("https://me:secret@h/", "a password"),
        ("https://h/push?token=secret", "'?status=up'"),
        ("https://h/#secret", "'#'"),
    ],
)
def test_another_is_refused_without_showing_it(url, told):
    with pytest.raises(InvalidScheduleError) as caught:
        check_url(url)
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=30) | st.from_regex(r"https?://[a-z.@:/?#\\[\\]0-9]{0,20}"))
def test_whatever_it_is_it_is_taken_or_refused(url):
    try:
        check_url(url)
    except InvalidScheduleError:
        return
    assert url.startswith(("http://", "https://"))


@pytest.mark.parametrize("suffix", ["", "-", "/start", "?status=up&msg=OK", "/", "?" + "x" * 199])
def test_a_suffix_is_taken(suffix):
    check_suffix("notify_start", suffix)


@pytest.mark.parametrize(
    "suffix", ["start", "--", "&x", "/a b", "/é", "/a\n", "/" + "x" * 200, ["/start"], 5]
)
def test_another_suffix_is_refused_by_its_options_name(suffix: Any):
    with pytest.raises(InvalidScheduleError, match="notify-start"):
        check_suffix("notify_start", suffix)


def test_the_workbook_has_the_same_usual_suffixes():
    suffix_of = yaml.safe_load(workbook.text())["workflows"]["backup_ping"]["vars"]["suffix"]
    for name, suffix in QUALIFIERS["notify_url"].items():
        assert f"{name.removeprefix('notify_')} => '{suffix}'" in suffix_of
