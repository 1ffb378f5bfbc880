# SPDX-License-Identifier: Apache-2.0
import pytest
import requests

from trove_minicloud import loopback

_PROXY = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"no_proxy": "example.org, localhost"}, "example.org,localhost,127.0.0.1"),
        ({"NO_PROXY": "example.org"}, "example.org,127.0.0.1,localhost"),
        ({"no_proxy": "*"}, "*"),
        ({"no_proxy": "", "NO_PROXY": "example.org"}, "example.org,127.0.0.1,localhost"),
    ],
)
def test_what_is_asked_directly_goes_on_to_be(before: dict[str, str], after: str) -> None:
    loopback.spare_proxies(before)
    assert before == {"no_proxy": after, "NO_PROXY": after}


def test_requests_asks_loopback_directly_and_others_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, _PROXY)
    for name, value in loopback.exceptions({}).items():
        monkeypatch.setenv(name, value)

    def proxies(url: str) -> object:
        return requests.Session().merge_environment_settings(url, {}, None, None, None)["proxies"]

    assert not proxies("http://127.0.0.1:5000/v3")
    assert not proxies("http://localhost:5000/v3")
    assert proxies("https://s3.example.org/")["https"] == _PROXY  # type: ignore[index]
