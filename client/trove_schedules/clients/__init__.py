# SPDX-License-Identifier: Apache-2.0
"""The services, each behind one module: the only places that know another project's client."""
