# SPDX-License-Identifier: Apache-2.0
"""Database servers, their backups, and what is restored from them. Nothing here imports Trove.

The way of one backup, from the command to Trove's row:

1. command: `openstack database backup create`, or a schedule's run, asks Trove: POST /backups.
2. Trove: writes the row as NEW; its task manager calls `guest_agent.GuestClient.create_backup`.
3. agent: `guest_agent._back_up` names the place (`finding.location_for`), tells Trove BUILDING
   (`report.started`), and starts a process of its own for the backup (`guest_agent.run_worker`).
4. worker: `worker.main` calls `taking.take_backup`: lock, `Datastore.inspect`, check the parent.
5. tool: `Datastore.backup_tool` names the program: pg_basebackup or mariadb-backup.
6. stream: `stream.stream` runs it, checks its output (`Check`), compresses, counts and hashes it.
7. store: `Store.begin` gives an `Upload`, which takes the bytes (`append`) and shows nothing yet.
8. manifest: `Upload.commit` writes it last; from then on the backup exists.
9. agent: `guest_agent.run_worker` gets the manifest from the worker. Where a worker died without a
   word, `guest_agent._outcome` reads what is stored (`Store.head`).
10. Trove's row: `report.ended` has Trove's conductor write COMPLETED, size, place and checksum.

`guest_agent` and `report` are in `trove_minicloud.inside_trove`; `Store`, `Upload` and `finding` in
`trove_minicloud.stores`.
"""
