# SPDX-License-Identifier: Apache-2.0
"""What the commands of `trove-minicloud` do; `trove_minicloud.cli` parses and prints."""
