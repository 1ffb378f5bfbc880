# SPDX-License-Identifier: Apache-2.0
"""The commands, one package or module for each program that hosts them."""
