# SPDX-License-Identifier: Apache-2.0
"""What asks the running cloud: logins, Keystone's content, Trove as its user sees it."""
