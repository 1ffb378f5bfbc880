# SPDX-License-Identifier: Apache-2.0
"""MariaDB from Debian's packages; `datastore.MariaDB` is what the guest uses."""
