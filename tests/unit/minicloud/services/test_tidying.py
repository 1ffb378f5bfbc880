# SPDX-License-Identifier: Apache-2.0
import threading

import pytest

from trove_minicloud.services.tidying import every


def test_it_goes_on_after_what_went_wrong(caplog: pytest.LogCaptureFixture) -> None:
    calls, enough = [], threading.Event()

    def tidy() -> None:
        calls.append(1)
        if len(calls) == 3:
            enough.set()
            # The thread ends with the process; until then it shall cost the other tests nothing.
            threading.Event().wait()
        raise OSError("the disk is full")

    every(0.01, tidy, first_after=0.01)
    assert enough.wait(10)
    assert "tidy could not be done" in caplog.text
