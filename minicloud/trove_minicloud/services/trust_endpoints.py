# SPDX-License-Identifier: Apache-2.0
"""Where Trove is, for actions of trusts: asked of Keystone once and not for each action.

mistral-extra logs in to Keystone twice and asks twice for the catalog, six requests, before each
request of a scheduled run to Trove (contrib/mistral-extra proposes to change that). Here endpoints
stay what they are while a process lives.
"""

from typing import Any

from mistral_extra.actions.openstack.utils import context, keystone


def remember() -> None:
    """Have endpoints that were found for a trust kept; no token is.

    By user and project, because Keystone puts the ids of both into the URLs of a catalog. Other
    catalogs come with a request, and whoever sent it may have written them: nobody else gets them.
    """
    look_up = keystone.get_endpoint_for_project
    known: dict[tuple[str | None, ...], Any] = {}

    def get_endpoint_for_project(
        service_name: str | None = None,
        service_type: str | None = None,
        region_name: str | None = None,
    ) -> Any:
        ctx = context.ctx()
        if not ctx.is_trust_scoped:
            return look_up(service_name, service_type, region_name)
        region = region_name or ctx.region_name
        key = (ctx.user_id, ctx.project_id, service_name, service_type, region)
        if key not in known:
            known[key] = look_up(service_name, service_type, region_name)
        return known[key]

    keystone.get_endpoint_for_project = get_endpoint_for_project
