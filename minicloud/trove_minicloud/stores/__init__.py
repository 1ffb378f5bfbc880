# SPDX-License-Identifier: Apache-2.0
"""Where backups are kept: a folder, Swift or S3, behind one interface (`store.Store`)."""
