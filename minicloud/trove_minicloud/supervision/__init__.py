# SPDX-License-Identifier: Apache-2.0
"""Keeps programs running: start, readiness, restart, stop, and the record of it.

It knows programs, and neither services nor databases.
"""
