# SPDX-License-Identifier: Apache-2.0
"""The whole of it: services and databases under one supervisor, in front or in the background."""
