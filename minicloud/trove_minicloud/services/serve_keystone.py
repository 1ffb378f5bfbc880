# SPDX-License-Identifier: Apache-2.0
"""Process main of Keystone: its data made ready, then served by one process.

Arguments: the service's folder and the port. The administrator's password comes by the
environment, as keystone-manage bootstrap takes it.
"""

# What nobody needs here has to be postponed before Keystone imports it.
# ruff: noqa: E402
import os
import sys
from pathlib import Path

from trove_minicloud.services.postponing import begin_imports, end_imports, postpone

if __name__ == "__main__":
    begin_imports()
# A quarter of the start, for logins by SAML.
postpone("saml2")

import keystone.conf
import keystone.server
from keystone.cmd.bootstrap import Bootstrapper
from keystone.common import fernet_utils
from keystone.common.provider_api import ProviderAPIs
from keystone.common.rbac_enforcer.enforcer import RBACEnforcer
from keystone.credential.providers import fernet as credential_fernet
from keystone.server.wsgi import initialize_public_application
from oslo_utils import timeutils

from trove_minicloud.services import tidying
from trove_minicloud.services.config_files import files
from trove_minicloud.services.preparation import (
    copy_database,
    empty_database,
    prepare,
    sqlite_url,
)
from trove_minicloud.services.serving import die_with_parent, serve


def main(directory: Path, port: int) -> None:
    end_imports()
    die_with_parent()
    make_ready(directory)
    application = initialize_public_application()
    _load_rules()
    tidying.every(tidying.DAY, flush_trusts)
    serve(application, port, "keystone")


def flush_trusts() -> None:
    """Do what `keystone-manage trust_flush` does: changed and deleted schedules leave trusts.

    Expired tokens leave nothing: Fernet tokens are not in the database.
    """
    ProviderAPIs.trust_api.flush_expired_and_soft_deleted_trusts(date=timeutils.utcnow())


def make_ready(directory: Path) -> None:
    """Make keys and the database, or take the database to the installed version."""
    configuration = files(directory, "keystone")
    prepare(
        directory,
        ("keystone",),
        lambda: _initialise(configuration),
        lambda old, new: _migrate(configuration, old, new),
    )


def _load_rules() -> None:
    """Have all rules of who may do what before the first request.

    Keystone makes them at that request, and refuses another that comes meanwhile.
    """
    rules = RBACEnforcer()._enforcer
    rules.suppress_deprecation_warnings = True
    rules.load_rules()


def _initialise(configuration: list[str]) -> None:
    """Do what `keystone-manage` fernet_setup and credential_setup do, and fill the database."""
    keystone.server.configure(config_files=configuration)
    conf = keystone.conf.CONF
    empty_database(conf.database.connection)
    for section, active_keys in (
        ("fernet_tokens", conf.fernet_tokens.max_active_keys),
        ("credential", credential_fernet.MAX_ACTIVE_KEYS),
    ):
        keys = fernet_utils.FernetUtils(conf[section].key_repository, active_keys, section)
        keys.create_key_directory()
        keys.initialize_key_repository()
    _fill_database()


def _migrate(configuration: list[str], old: Path, new: Path) -> None:
    keystone.server.configure(config_files=configuration)
    copy_database(old, new)
    conf = keystone.conf.CONF
    conf.set_override("connection", sqlite_url(conf.database.connection, new), "database")
    _fill_database()


def _fill_database() -> None:
    """Do what `keystone-manage` db_sync and bootstrap do; a newer one may bring more roles."""
    # Brings Alembic, which a start without this doesn't need: a sixth of its imports.
    from keystone.common.sql import upgrades

    upgrades.offline_sync_database_to_version()
    bootstrapper = Bootstrapper()
    bootstrapper.admin_username = "admin"
    bootstrapper.admin_password = os.environ["OS_BOOTSTRAP_PASSWORD"]
    bootstrapper.admin_role_name = "admin"
    bootstrapper.project_name = "admin"
    bootstrapper.service_name = "keystone"
    bootstrapper.region_id = os.environ["OS_BOOTSTRAP_REGION_ID"]
    url = os.environ["OS_BOOTSTRAP_URL"]
    bootstrapper.public_url = bootstrapper.internal_url = bootstrapper.admin_url = url
    bootstrapper.immutable_roles = True
    bootstrapper.bootstrap()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    # Keystone parses the command line as well.
    del sys.argv[1:]
    main(Path(arguments[0]), int(arguments[1]))
