# SPDX-License-Identifier: Apache-2.0
"""What the catalog must hold before anything of the panel is shown.

Apart from the panel, because Horizon must be the first to import that.
"""

PERMISSIONS = ("openstack.services.database", "openstack.services.workflowv2")
