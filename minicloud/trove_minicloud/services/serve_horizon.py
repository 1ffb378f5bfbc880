# SPDX-License-Identifier: Apache-2.0
"""Process main of Horizon, run by the interpreter of its own environment.

Arguments: the port, and the port of the compute endpoint. trove-dashboard's list of instances
asks Nova for the flavors; there is no Nova, so this process answers for it.
"""

import json
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from cheroot import wsgi

from trove_minicloud.services.serving import die_with_parent, serve
from trove_minicloud.settings import FLAVOR_ID

# Trove's stand-in for Nova has the same one: see `inside_trove.standins`.
_FLAVOR = {"id": FLAVOR_ID, "name": "local", "ram": 0, "vcpus": 0, "disk": 0, "links": []}
_COMPUTE_ANSWERS: dict[str, dict[str, Any]] = {
    "/v2.1/flavors/detail": {"flavors": [_FLAVOR]},
    f"/v2.1/flavors/{FLAVOR_ID}": {"flavor": _FLAVOR},
}


def main(port: int, compute_port: int) -> None:
    die_with_parent()
    import django
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application

    class StaticFiles(StaticFilesHandler):
        def serve(self, request: Any) -> Any:
            """Let browsers keep a file for a while: each page asks for some twenty of them."""
            response = super().serve(request)
            response["Cache-Control"] = "max-age=300"
            return response

    django.setup()
    # The pages name their scripts and styles by what the enabled panels bring along, so this is
    # due at every start. Without it each page is an error.
    call_command("compress", force=True, verbosity=0)
    flavors = wsgi.Server(("127.0.0.1", compute_port), compute, numthreads=2)
    threading.Thread(target=flavors.safe_start, name="compute", daemon=True).start()
    serve(StaticFiles(get_wsgi_application()), port, "horizon")


def compute(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The two requests to Nova that listing database instances takes."""
    answer = _COMPUTE_ANSWERS.get(environ["PATH_INFO"])
    status = "200 OK" if answer else "404 Not Found"
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(answer or {"itemNotFound": {"code": 404, "message": status}}).encode()]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
