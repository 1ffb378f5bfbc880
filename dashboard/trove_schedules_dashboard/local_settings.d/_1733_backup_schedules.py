# SPDX-License-Identifier: Apache-2.0
"""Horizon reads this from its own ``local_settings.d``, and then knows Mistral's rules.

The files are those of ``conf``, in the folder ``POLICY_FILES_PATH``.
"""

from django.conf import settings

settings.POLICY_FILES["workflow"] = "mistral_policy.yaml"
settings.DEFAULT_POLICY_FILES["workflow"] = "default_policies/mistral.yaml"
