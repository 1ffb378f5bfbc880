# SPDX-License-Identifier: Apache-2.0
"""Many nights of one machine, in an hour: a mini cloud on a small disk, a fault in each."""
