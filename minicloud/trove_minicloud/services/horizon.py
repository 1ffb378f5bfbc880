# SPDX-License-Identifier: Apache-2.0
"""Horizon, for those who ask for it: its configuration, and the program that serves it.

It lives in an environment of its own, because its requirements and those of the services don't
have to agree. Nothing of that environment is written to: Horizon takes a package `local`, and the
panels' switches, from wherever they are found first, and that is here.
"""

import dataclasses
import logging
import secrets
from pathlib import Path

import requests

from trove_minicloud.errors import MiniCloudError
from trove_minicloud.files import write_json, write_private
from trove_minicloud.root import Root
from trove_minicloud.services.config_files import cache_variables
from trove_minicloud.settings import REGION, Settings, read
from trove_minicloud.supervision import ports
from trove_minicloud.supervision.program import NotReadyError, Program

LOG = logging.getLogger(__name__)

NAME = "horizon"
#: Where the user lands after the login: Trove's instances.
HOME = "/project/databases/"

# Each replaces Horizon's own file of its name.
_PANELS: dict[str, dict[str, object]] = {
    # A landing page that needs nothing but Keystone, in the place of one that asks Nova.
    "_1020_project_overview_panel": {
        "PANEL": "api_access",
        "PANEL_DASHBOARD": "project",
        "PANEL_GROUP": "default",
        "DEFAULT_PANEL": "api_access",
    },
    # The compute endpoint knows flavors and nothing else.
    "_1030_project_instances_panel": {"PANEL": "instances", "DISABLED": True},
    "_1080_project_key_pairs_panel": {"PANEL": "key_pairs", "DISABLED": True},
    "_1110_project_server_groups_panel": {"PANEL": "server_groups", "DISABLED": True},
    # Where there is a Swift, it holds backups, which are deleted as such or not at all.
    "_1920_project_containers_panel": {"PANEL": "containers", "DISABLED": True},
}
# trove-dashboard shows addresses by a template of the panel of Nova's instances.
_ADDRESSES = """\
{% for addresses in ip_groups.values %}{% for each in addresses %}<div>{{ each }}</div>{% endfor %}\
{% endfor %}
"""
_READY_TIMEOUT = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Dashboard:
    """What is wanted of Horizon, kept in a file of its own: most clouds have none.

    :ivar python: the interpreter of the environment that Horizon is installed in.
    :ivar port: where people find it.
    :ivar compute_port: where Horizon finds the flavors, see `serve_horizon`.
    :ivar secret_key: signs the sessions.
    """

    python: str
    port: int
    compute_port: int
    secret_key: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def compute_url(self) -> str:
        return f"http://127.0.0.1:{self.compute_port}/v2.1"


def wanted(root: Root) -> Dashboard | None:
    """The dashboard that this root has, or None."""
    return read(_file(root), Dashboard)


def want(root: Root, python: Path) -> Dashboard:
    """Have a dashboard from now on, served by this interpreter; ports and key are kept."""
    root.service(NAME).mkdir(mode=0o700, exist_ok=True)
    known = wanted(root)
    if known is None:
        port, compute_port = ports.choose(2, root)
        known = Dashboard(str(python), port, compute_port, secrets.token_urlsafe(48))
    chosen = dataclasses.replace(known, python=str(python))
    write_json(_file(root), dataclasses.asdict(chosen))
    return chosen


class HorizonPrograms:
    """Called again and again by the supervisor: one program where a dashboard is wanted."""

    def __init__(self, root: Root, settings: Settings) -> None:
        self._root = root
        self._settings = settings
        self._known: dict[Dashboard, Program] = {}
        self._problem = ""

    def __call__(self) -> list[Program]:
        try:
            dashboard = wanted(self._root)
            if dashboard is not None and dashboard not in self._known:
                configure(self._root, self._settings, dashboard)
                self._known = {dashboard: program(self._root, dashboard)}
        except MiniCloudError as error:
            # A dashboard that can't be run must not stop the cloud; said once, not at each look.
            if str(error) != self._problem:
                LOG.error("no dashboard: %s", error)
            self._problem = str(error)
            return []
        return [] if dashboard is None else [self._known[dashboard]]


def configure(root: Root, settings: Settings, dashboard: Dashboard) -> None:
    """Write the package `local`, and the switches of Horizon's panels."""
    local = root.service(NAME) / "local"
    panels = root.service(NAME) / "enabled"
    for folder in (local, panels):
        folder.mkdir(mode=0o700, exist_ok=True)
        write_private(folder / "__init__.py", "")
    write_private(local / "local_settings.py", local_settings(root, settings, dashboard))
    addresses = root.service(NAME) / "templates" / "project" / "instances"
    addresses.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(addresses / "_instance_ips.html", _ADDRESSES)
    for name, values in _PANELS.items():
        write_private(panels / f"{name}.py", _assignments(values))


def local_settings(root: Root, settings: Settings, dashboard: Dashboard) -> str:
    """The text of Horizon's local_settings.py."""
    directory = root.service(NAME)
    values: dict[str, object] = {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["127.0.0.1", "localhost"],
        "SECRET_KEY": dashboard.secret_key,
        "STATIC_ROOT": str(directory / "static"),
        "MEDIA_ROOT": str(directory / "media"),
        "OPENSTACK_KEYSTONE_URL": settings.keystone_url,
        "AVAILABLE_REGIONS": [(settings.keystone_url, REGION)],
        # Neither a database nor memcached: the session is in a signed cookie. Browsers keep
        # cookies by host and not by port, so two mini clouds need two names.
        "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
        "SESSION_COOKIE_NAME": f"minicloud-{dashboard.port}",
        "CSRF_COOKIE_NAME": f"minicloud-csrf-{dashboard.port}",
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        "COMPRESS_OFFLINE": True,
        "ADD_TEMPLATE_DIRS": [str(directory / "templates")],
        "SITE_BRANDING": "Mini cloud",
    }
    return (
        _assignments(values)
        + f"""
# What is imported here under a plain name would replace Horizon's own settings of that name.
from pathlib import Path as _Path

import trove_dashboard.enabled as _trove
import trove_schedules_dashboard.enabled as _schedules
from openstack_dashboard.local import enabled as _enabled
from openstack_dashboard.settings import HORIZON_CONFIG

HORIZON_CONFIG["user_home"] = {HOME!r}
# Horizon looks for panels in one package; this widens it, without copying files into it.
_enabled.__path__.extend(
    [*_trove.__path__, *_schedules.__path__, str(_Path(__file__).parent.parent / "enabled")]
)
"""
    )


def program(root: Root, dashboard: Dashboard) -> Program:
    """The program; it is ready when it shows the login form."""
    directory = root.service(NAME)
    return Program(
        name=NAME,
        argv=(
            dashboard.python,
            "-m",
            "trove_minicloud.services.serve_horizon",
            str(dashboard.port),
            str(dashboard.compute_port),
        ),
        env={
            "PYTHONPATH": str(directory),
            "DJANGO_SETTINGS_MODULE": "openstack_dashboard.settings",
            "PYTHONWARNINGS": "ignore",
            "MALLOC_ARENA_MAX": "2",
            **cache_variables(root),
        },
        cwd=directory,
        log=root.log(NAME),
        user=None,
        ready=lambda: _shows_the_login(dashboard),
        ready_timeout=240,
    )


def _shows_the_login(dashboard: Dashboard) -> None:
    try:
        answer = requests.get(f"{dashboard.url}auth/login/", timeout=_READY_TIMEOUT)
    except requests.RequestException as error:
        raise NotReadyError(str(error)) from error
    if answer.status_code != requests.codes.ok:
        raise NotReadyError(f"{answer.url} answers {answer.status_code}")


def _assignments(values: dict[str, object]) -> str:
    return "".join(f"{name} = {value!r}\n" for name, value in values.items())


def _file(root: Root) -> Path:
    return root.service(NAME) / "dashboard.json"
