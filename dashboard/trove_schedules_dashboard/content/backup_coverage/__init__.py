# SPDX-License-Identifier: Apache-2.0
"""The panel *Backup Coverage*: what protects each instance, and what to do where nothing does."""
