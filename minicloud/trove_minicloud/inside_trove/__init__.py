# SPDX-License-Identifier: Apache-2.0
"""What runs in Trove's own process: its server, and what stands in for virtual machines.

Trove is given the guest agent, the object store and the clouds' other services by its own
settings (`trove_minicloud.services.trove`); nothing of Trove is patched.
"""
