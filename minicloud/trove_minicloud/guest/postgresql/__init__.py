# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL; `datastore.PostgreSQL` is what the guest uses."""
