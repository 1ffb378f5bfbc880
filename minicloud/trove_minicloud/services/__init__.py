# SPDX-License-Identifier: Apache-2.0
"""The three OpenStack services: configuration and program of each, and their process mains."""
