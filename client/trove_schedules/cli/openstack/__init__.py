# SPDX-License-Identifier: Apache-2.0
"""The commands ``openstack database backup schedule …``, ``policy …`` and ``coverage``.

``openstack`` imports these modules for every command it is given, whosever it is: they import
little, and the rest when one of them runs.
"""
