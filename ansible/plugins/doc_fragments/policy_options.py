# SPDX-License-Identifier: Apache-2.0
# `make ansible-options` writes this file. Don't edit it.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  paused:
    description:
    - Whether it is paused; without this, it stays as it is.
    type: bool
  drill_every:
    description:
    - Repeat drills on this pattern (UTC); without this, none are repeated.
    type: str
  pattern:
    description:
    - 'When to make backups, in the schedule''s time zone. Five cron fields in quotes:
      minute, hour, day of month, month, day of week. ''0 2 * * *'' is every day at 02:00.
      H, or H(1-4), is a value chosen once for each schedule: ''H H(1-4) * * *'' spreads
      schedules over the hours from 1 to 4. L is the last day of the month, MON#1 its
      first Monday. If both day fields are set, the schedule runs when either matches.
      @hourly, @daily, @weekly, @monthly and @yearly stand for whole patterns.'
    - Needed where it is to be present.
    type: str
  name:
    description:
    - Name of the backups.
    type: str
    required: true
  description:
    description:
    - Description of the backups.
    type: str
  match:
    description:
    - 'Take the instances whose name or ID fits this pattern, such as ''orders*'' in quotes:
      * is any text, ? is one character, [ab] is one of these (a list) (default: all).'
    type: list
    elements: str
  exclude:
    description:
    - 'Leave out the instances whose name or ID fits this pattern, whatever else they
      fit (a list) (default: none).'
    type: list
    elements: str
  datastores:
    description:
    - 'Take the instances of this datastore only, such as mysql (a list) (default: all).'
    type: list
    elements: str
  replicas:
    description:
    - Take replicas too, which have the data of their source.
    type: bool
  max_parallel:
    description:
    - 'Back up at most N instances at a time (default: 5).'
    - From 1 to 50.
    type: int
  timezone:
    description:
    - 'Time zone of the pattern, by its IANA name, such as Europe/Berlin (default: UTC).'
    type: str
  incremental:
    description:
    - Make every backup an increment of the schedule's newest completed backup; the first
      one is full.
    type: bool
  full_every:
    description:
    - 'Start a new full backup every N backups (incremental schedules only) (default:
      only the first backup is full).'
    - From 1 to 100.
    type: int
  keep_last:
    description:
    - 'Keep the newest N backups and what they build on; delete older ones after each
      success (default: delete none).'
    - From 1 to 1000.
    type: int
  keep_days:
    description:
    - 'Keep the backups of this many days, the newest one, and what they build on; delete
      older ones after each success. With other rules too, a backup is kept if any rule
      keeps it (default: delete none).'
    - From 1 to 36500.
    type: int
  keep_hourly:
    description:
    - 'Keep the newest backup of each of the last N hours that have one, and what it builds
      on; delete others after each success. With other rules too, a backup is kept if
      any rule keeps it (default: delete none).'
    - From 1 to 1000.
    type: int
  keep_daily:
    description:
    - 'Keep the newest backup of each of the last N days that have one, and what it builds
      on; delete others after each success. With other rules too, a backup is kept if
      any rule keeps it (default: delete none).'
    - From 1 to 1000.
    type: int
  keep_weekly:
    description:
    - 'Keep the newest backup of each of the last N ISO weeks (from Monday to Sunday)
      that have one, and what it builds on; delete others after each success. With other
      rules too, a backup is kept if any rule keeps it (default: delete none).'
    - From 1 to 1000.
    type: int
  keep_monthly:
    description:
    - 'Keep the newest backup of each of the last N months that have one, and what it
      builds on; delete others after each success. With other rules too, a backup is kept
      if any rule keeps it (default: delete none).'
    - From 1 to 1000.
    type: int
  keep_yearly:
    description:
    - 'Keep the newest backup of each of the last N years that have one, and what it builds
      on; delete others after each success. With other rules too, a backup is kept if
      any rule keeps it (default: delete none).'
    - From 1 to 1000.
    type: int
  swift_container:
    description:
    - 'Swift container in which Trove stores the backups (default: the one that Trove
      is configured for).'
    type: str
  storage_driver:
    description:
    - 'Kind of storage to which Trove sends the backups, such as swift; which there are,
      the operator decides (default: the one that Trove is configured for).'
    type: str
  attempts:
    description:
    - 'Try up to N times for each due time, until there is a backup; 1: no further attempts
      (default: 3 if the pattern leaves room for it, else 1).'
    - From 1 to 12.
    type: int
  retry_every:
    description:
    - 'Minutes between attempts (default: 20, or what fits the pattern).'
    - From 1 to 59.
    type: int
  deadline:
    description:
    - 'Start no backup more than this many minutes after its due time (default: none).'
    - From 1 to 1440.
    type: int
  notify_url:
    description:
    - 'URL that Mistral pings when a run starts, succeeds or fails, such as a check of
      healthchecks.io. A failed ping changes nothing. Everybody in the project can read
      the URL, and it appears in Mistral''s log (default: no pings).'
    - If this is left out, it stays as it is. An empty text removes it.
    type: str
  notify_start:
    description:
    - 'Suffix added to the URL for the start ping; it begins with / or ? (empty: no suffix;
      -: no ping) (default: /start).'
    type: str
  notify_success:
    description:
    - 'Suffix added to the URL for the success ping; it begins with / or ? (empty: no
      suffix; -: no ping) (default: empty).'
    type: str
  notify_fail:
    description:
    - 'Suffix added to the URL for the failure ping; it begins with / or ? (empty: no
      suffix; -: no ping) (default: /fail).'
    type: str
  webhook_url:
    description:
    - 'URL to which Mistral sends (POST) what became of a run, such as a webhook of a
      chat, or Alertmanager''s. An answer changes nothing. Everybody in the project can
      read the URL, and it appears in Mistral''s log (default: none).'
    - If this is left out, it stays as it is. An empty text removes it.
    type: str
  webhook_on:
    description:
    - 'Of which runs the webhook is told: those that fail, those that make a backup, or
      both (default: failure).'
    type: str
    choices:
    - failure
    - success
    - always
  webhook_format:
    description:
    - 'What the webhook is sent: a JSON object with all that is known, the text that Slack
      and its kin take, or an alert for Alertmanager (its URL ends with /api/v2/alerts)
      (default: json).'
    type: str
    choices:
    - json
    - slack
    - alertmanager
"""
