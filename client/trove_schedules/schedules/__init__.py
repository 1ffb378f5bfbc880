# SPDX-License-Identifier: Apache-2.0
"""What a schedule is to do, and how it is kept in Mistral."""
