# SPDX-License-Identifier: Apache-2.0
"""A mini cloud whose Mistral is distributed: the stock servers on RabbitMQ and MariaDB.

Bursts and faults are measured on it. It needs PyMySQL and Debian's MariaDB packages, and unpacks
RabbitMQ's by itself.
"""
