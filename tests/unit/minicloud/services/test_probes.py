# SPDX-License-Identifier: Apache-2.0
import pytest
from keystoneauth1.exceptions import ConnectFailure, HttpError, ServiceUnavailable

from trove_minicloud import settings
from trove_minicloud.root import Root
from trove_minicloud.services import probes
from trove_minicloud.supervision.program import NotReadyError


class Session:
    """A login, and a service behind it."""

    def __init__(self, login: Exception | None = None, service: Exception | None = None) -> None:
        self.login, self.service, self.asked = login, service, ""

    def get_project_id(self) -> str:
        if self.login:
            raise self.login
        return "p"

    def get(self, url: str) -> None:
        self.asked = url
        if self.service:
            raise self.service


def _ask(root: Root, monkeypatch: pytest.MonkeyPatch, session: Session) -> None:
    monkeypatch.setattr(probes, "user_session", lambda *_arguments: session)
    probes.answers(settings.load_or_create(root), "http://here/{project}")()


def test_the_user_asks_for_the_project(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session()
    _ask(root, monkeypatch, session)
    assert session.asked == "http://here/p"


def test_a_service_that_does_not_answer_is_not_ready(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotReadyError, match="busy"):
        _ask(root, monkeypatch, Session(service=ServiceUnavailable("busy")))


def test_a_service_is_not_judged_by_a_keystone_that_does_not_answer(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(probes.NoLoginError, match="gone"):
        _ask(root, monkeypatch, Session(login=ConnectFailure("gone")))


@pytest.mark.parametrize("status", [413, 429])
def test_a_service_that_limits_our_requests_is_ready(
    root: Root, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    _ask(root, monkeypatch, Session(service=HttpError(http_status=status)))
