# SPDX-License-Identifier: Apache-2.0
"""What Horizon reads to add the panel; an operator copies or links it, or widens Horizon's path."""
