# SPDX-License-Identifier: Apache-2.0
"""Process main of Keystone: set up once, then served by one process.

Arguments: the service's folder and the port. The administrator's password comes by the
environment, as keystone-manage bootstrap takes it.
"""

import os
import sys
from pathlib import Path

import keystone.conf
import keystone.server
from keystone.cmd.bootstrap import Bootstrapper
from keystone.common import fernet_utils
from keystone.common.rbac_enforcer.enforcer import RBACEnforcer
from keystone.common.sql import upgrades
from keystone.credential.providers import fernet as credential_fernet
from keystone.server.wsgi import initialize_public_application

from trove_minicloud.services.config_files import files
from trove_minicloud.services.preparation import empty_database, prepare_once
from trove_minicloud.services.serving import die_with_parent, serve


def main(directory: Path, port: int) -> None:
    die_with_parent()
    prepare_once(directory, lambda: _initialise(files(directory, "keystone")))
    application = initialize_public_application()
    _load_rules()
    serve(application, port, "keystone")


def _load_rules() -> None:
    """Have all rules of who may do what before the first request.

    Keystone makes them at that request, and refuses another that comes meanwhile.
    """
    rules = RBACEnforcer()._enforcer
    rules.suppress_deprecation_warnings = True
    rules.load_rules()


def _initialise(configuration: list[str]) -> None:
    """Do what `keystone-manage` fernet_setup, credential_setup, db_sync and bootstrap do."""
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
