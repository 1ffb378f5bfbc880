# SPDX-License-Identifier: Apache-2.0
"""Many schedules on one minute: who has them, and what became of each firing.

Trove backs an instance up once at a time, so each schedule has an instance of its own. These are
rows of Trove's without a server (`light_guest` answers for them), shared out among projects,
because Trove answers a project 200 requests a minute. What happened is read from the services'
databases: asking the services would be load, and the code under test must not judge itself.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

import trove_schedules
from bench import light_guest
from bench.cluster.layout import layout_of
from bench.firings import EARLY, Firing, Member, firing, schedule_of
from bench.minicloud import login
from trove_minicloud import settings
from trove_minicloud.root import Root
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.stores.manifest import Key
from trove_schedules import Schedule, ScheduledBackups, workbook

#: The mini cloud's options that bring the light guest in. A project makes as many backups as it
#: likes, since bursts come one after the other.
LIGHT = {
    "trove": "[DEFAULT]\n"
    "remote_guest_client = bench.light_guest.guest_client\n"
    "max_backups_per_tenant = -1\n"
}
#: Instances of a project.
SHARE = 20
_FLAVOR = "light"


class Project:
    """A project of a few light instances, and one member who has the schedules.

    :ivar login: the member's name and password.
    """

    def __init__(self, session: Session, user: str, login: tuple[str, str]) -> None:
        self.session = session
        self.user = user
        self.login = login
        self.id = str(session.get_project_id())
        self.schedules: ScheduledBackups = trove_schedules.connect(session=session)


def _name() -> str:
    return f"crowd-{secrets.token_hex(4)}"


class Crowd:
    """The projects and schedules of one mini cloud, and what its databases say of them.

    :ivar owners: the projects that have schedules, by id.
    """

    def __init__(self, root: Root) -> None:
        self.root = root
        self._settings = settings.load_or_create(root)
        self.owners: dict[str, Project] = {}
        databases = layout_of(root, self._settings).backend().databases
        self._engines = {
            name: sqlalchemy.create_engine(databases[name], pool_pre_ping=True)
            for name in ("mistral", "trove")
        }
        trove_schedules.connect(session=login(root, "minicloud-admin")).workbook_load(public=True)

    # People and instances

    def project(self) -> Project:
        """A new project with one member."""
        return self._member(self._create("project", _name()))

    def projects(self, schedules: int) -> list[Project]:
        """As many new ones as N schedules take."""
        return [self.project() for _ in range(-(-schedules // SHARE))]

    def colleague(self, project: Project) -> Project:
        """The same project, seen by another member."""
        return self._member(project.id)

    def _create(self, kind: str, name: str, **fields: str) -> str:
        body = {kind: {"name": name, "domain_id": "default", **fields}}
        url = f"{self._settings.keystone_url}/{kind}s"
        answer = login(self.root, "minicloud-admin").post(url, json=body)
        return str(answer.json()[kind]["id"])

    def _member(self, project: str) -> Project:
        name, password = _name(), secrets.token_urlsafe(16)
        user = self._create("user", name, password=password)
        admin, url = login(self.root, "minicloud-admin"), self._settings.keystone_url
        role = admin.get(f"{url}/roles?name=member").json()["roles"][0]["id"]
        admin.put(f"{url}/projects/{project}/users/{user}/roles/{role}")
        auth = v3.Password(
            url, user_id=user, password=password, project_id=project, reauthenticate=True
        )
        return Project(Session(auth), user, (name, password))

    def instances(self, project: str, count: int, *, failing: bool = False) -> list[str]:
        """New light instances of the project of this id, always healthy.

        :param failing: their backups fail.
        """
        ids = [str(uuid.uuid4()) for _ in range(count)]
        if failing:
            ids = [light_guest.FAILING + each[len(light_guest.FAILING) :] for each in ids]
        now = datetime.now(UTC).replace(tzinfo=None)
        instances = [
            {
                "id": each,
                "name": f"light-{each[:8]}",
                "created": now,
                "updated": now,
                "compute_instance_id": each,
                "task_id": 1,
                "task_description": "No tasks for the instance.",
                "flavor_id": _FLAVOR,
                "volume_size": 0,
                "tenant_id": project,
                "deleted": False,
                "datastore_version_id": self._version(),
                "region_id": settings.REGION,
            }
            for each in ids
        ]
        statuses = [
            {
                "id": str(uuid.uuid4()),
                "instance_id": each,
                "status_id": 33,
                "status_description": "healthy",
                # No guest sends heartbeats for them.
                "updated_at": now + timedelta(days=3000),
            }
            for each in ids
        ]
        self._insert("service_statuses", statuses)
        self._insert("instances", instances)
        return ids

    def _version(self) -> str:
        """The id of a datastore version that light instances are of."""
        with self._engines["trove"].begin() as connection:
            found = connection.execute(
                sqlalchemy.text("select id from datastore_versions limit 1")
            ).scalar()
        if found is not None:
            return str(found)
        datastore, version = str(uuid.uuid4()), str(uuid.uuid4())
        self._insert(
            "datastores",
            [{"id": datastore, "name": "postgresql", "default_version_id": version}],
        )
        fields = {"id": version, "datastore_id": datastore, "name": "light", "version": "light"}
        texts = {"image_id": "", "packages": "", "registry_ext": "", "repl_strategy": ""}
        self._insert(
            "datastore_versions", [{**fields, **texts, "active": True, "manager": "postgresql"}]
        )
        return version

    def _insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        engine = self._engines["trove"]
        reflected = sqlalchemy.Table(table, sqlalchemy.MetaData(), autoload_with=engine)
        with engine.begin() as connection:
            connection.execute(reflected.insert(), rows)

    # Schedules

    def schedule(
        self,
        count: int,
        due: datetime,
        *,
        attempts: Sequence[int] = (1,),
        retry_every: int = 1,
        keep_last: int | None = None,
        incremental: bool = False,
        projects: Sequence[Project] | None = None,
        instances: Sequence[str] = (),
    ) -> list[Member]:
        """N daily schedules at this minute, each of an instance of its own.

        The first of a project is made by the product. The others are copies of its trigger, which
        have the project's one trust between them and otherwise fire as their own: to make each by
        requests would take longer than the burst.

        :param attempts: of each due time, in turns.
        :param retry_every: minutes from one attempt to the next.
        :param projects: whose they are; as many new ones as it takes where that isn't said.
        :param instances: of the one project, instead of new light ones.
        """
        owners = projects or self.projects(count)
        shares = [len(range(number, count, len(owners))) for number in range(len(owners))]
        wanted = [
            (owner, instance)
            for owner, share in zip(owners, shares, strict=True)
            for instance in instances or self.instances(owner.id, share)
        ]

        members: list[Member] = []
        first: dict[tuple[str, int], Schedule] = {}
        copies: list[tuple[Schedule, Member]] = []
        for number, (owner, instance) in enumerate(wanted):
            tries = attempts[number % len(attempts)]
            if (made := first.get((owner.id, tries))) is None:
                made = owner.schedules.schedule_create(
                    instance,
                    f"{due.minute} {due.hour} * * *",
                    "burst",
                    attempts=tries,
                    retry_every=retry_every if tries > 1 else None,
                    keep_last=keep_last,
                    incremental=incremental,
                )
                first[owner.id, tries] = made
                members.append(Member(made.id, instance, owner.id, tries))
            else:
                copies.append((made, Member(str(uuid.uuid4()), instance, owner.id, tries)))
        self._copy(copies)
        members += [member for _, member in copies]
        self.owners |= {owner.id: owner for owner in owners}
        return members

    def _copy(self, copies: Sequence[tuple[Schedule, Member]]) -> None:
        """More schedules like one that was made, straight into Mistral's database."""
        engine = self._engines["mistral"]
        table = sqlalchemy.Table("cron_triggers_v2", sqlalchemy.MetaData(), autoload_with=engine)
        with engine.begin() as connection:
            for made, member in copies:
                chosen = table.select().where(table.c.id == made.trigger_id)
                row = dict(connection.execute(chosen).one()._mapping)
                given = json.loads(row["workflow_input"])
                given["instance"], given["schedule"]["id"] = member.instance, member.id
                row |= {
                    "id": str(uuid.uuid4()),
                    "name": f"trove-backup:{member.instance}:{member.id}:1",
                    "workflow_input": json.dumps(given),
                    "workflow_input_hash": secrets.token_hex(32),
                }
                connection.execute(table.insert(), row)

    def policy(
        self,
        owner: Project,
        due: datetime,
        *,
        attempts: int = 1,
        retry_every: int = 1,
        max_parallel: int | None = None,
        takes: str | None = None,
    ) -> Member:
        """A daily policy at this minute: a schedule whose trigger starts another workflow.

        :param retry_every: minutes from one attempt to the next.
        :param takes: a regular expression of the names of the instances that it takes.
        """
        [made] = self.schedule(
            1, due, attempts=[attempts], retry_every=retry_every, projects=[owner]
        )
        selection = {"takes": takes, "max_parallel": max_parallel}
        engine = self._engines["mistral"]
        metadata = sqlalchemy.MetaData()
        triggers = sqlalchemy.Table("cron_triggers_v2", metadata, autoload_with=engine)
        workflows = sqlalchemy.Table("workflow_definitions_v2", metadata, autoload_with=engine)
        with engine.begin() as connection:
            wanted = workflows.select().where(workflows.c.name == workbook.POLICY)
            workflow = connection.execute(wanted).one()
            [row] = [
                each
                for each in connection.execute(triggers.select()).all()
                if json.loads(each.workflow_input)["schedule"]["id"] == made.id
            ]
            given = json.loads(row.workflow_input)
            given["selection"] = {key: value for key, value in selection.items() if value}
            del given["instance"], given["parent_id"]
            values = {
                "name": f"trove-policy:*:{made.id}:1",
                "workflow_name": workflow.name,
                "workflow_id": workflow.id,
                "workflow_input": json.dumps(given),
            }
            connection.execute(triggers.update().where(triggers.c.id == row.id).values(values))
        self.change(made.instance, deleted=True)
        return replace(made, instance="*")

    def change(self, instance: str, **values: object) -> None:
        """Change the row of an instance."""
        self._update("instances", "id", instance, values)

    def a_day_later(self) -> None:
        """Make all backups a day older."""
        with self._engines["trove"].connect() as connection:
            rows = connection.execute(
                sqlalchemy.text("select id, created, updated from backups").columns(
                    created=sqlalchemy.DateTime, updated=sqlalchemy.DateTime
                )
            ).all()
        for row in rows:
            before = {
                each: getattr(row, each) - timedelta(days=1) for each in ("created", "updated")
            }
            self._update("backups", "id", row.id, before)

    def _update(self, table: str, column: str, key: str, values: Mapping[str, object]) -> None:
        engine = self._engines["trove"]
        reflected = sqlalchemy.Table(table, sqlalchemy.MetaData(), autoload_with=engine)
        with engine.begin() as connection:
            chosen = reflected.update().where(reflected.c[column] == key)
            connection.execute(chosen.values(**values))

    def fire(self, members: Sequence[Member], since: datetime) -> None:
        """Have Mistral fire these schedules now, and each owe what was due after this time.

        Nobody waits for a minute.
        """
        ids = {member.id for member in members}
        engine = self._engines["mistral"]
        table = sqlalchemy.Table("cron_triggers_v2", sqlalchemy.MetaData(), autoload_with=engine)
        with engine.begin() as connection:
            now = datetime.now(UTC).replace(tzinfo=None)
            for row in connection.execute(table.select()).all():
                given = json.loads(row.workflow_input)
                if given["schedule"]["id"] in ids:
                    given["schedule"]["owed_since"] = since.isoformat()
                    connection.execute(
                        table.update()
                        .where(table.c.id == row.id)
                        .values(next_execution_time=now, workflow_input=json.dumps(given))
                    )

    def keep(self, members: Sequence[Member], count: int, *, incremental: bool = False) -> None:
        """Give each schedule N completed backups, a day apart; the newest is of yesterday.

        :param incremental: all but the oldest are one chain. Retention may delete the oldest.
        """
        now = datetime.now(UTC).replace(tzinfo=None)
        rows = []
        for member in members:
            parent = None
            for age in range(count, 0, -1):
                created = now - timedelta(days=age)
                number = f"[chain {max(count - age, 1)}] " if incremental else ""
                backup_id = str(uuid.uuid4())
                location = LocalStore(self.root.backups).location(Key(member.instance, backup_id))
                rows.append(
                    {
                        "id": backup_id,
                        "name": "kept",
                        "description": f"light {number}[schedule {member.id}]",
                        "location": location,
                        "backup_type": "incremental" if parent else "full",
                        "size": 0.0,
                        "tenant_id": member.project,
                        "state": "COMPLETED",
                        "instance_id": member.instance,
                        "checksum": "0" * 32,
                        "deleted": False,
                        "created": created,
                        "updated": created + timedelta(seconds=1),
                        "parent_id": parent,
                        "datastore_version_id": self._version(),
                    }
                )
                parent = backup_id if incremental and age < count else None
        if rows:
            self._insert("backups", rows)

    # What happened

    def named(self, members: Sequence[Member]) -> dict[str, str]:
        """The state of each of these schedules that the health of its project finds fault with."""
        ids = {member.id for member in members}
        return {
            str(each.schedule_id): str(each.state)
            for project in {member.project for member in members}
            for each in self.owners[project].schedules.schedule_health()
            if each.schedule_id in ids and each.state.exit_status
        }

    def firings(
        self, members: Sequence[Member], due: datetime, since: datetime | None = None
    ) -> list[Firing]:
        """What became of this due time of each schedule, further attempts included.

        :param since: what is older is not of it; the due time where that isn't said.
        """
        executions = self._executions(since or due)
        backups = self._backups(since or due)
        return [
            firing(member, due, executions.get(member.id, []), backups.get(member.id, []))
            for member in members
        ]

    def kept(self) -> Counter[str]:
        """How many completed backups there are of each schedule that has any, by its id."""
        with self._engines["trove"].connect() as connection:
            rows = connection.execute(
                sqlalchemy.text(
                    "select description from backups where state = 'COMPLETED' and not deleted"
                )
            )
            return Counter(filter(None, (schedule_of(row.description) for row in rows)))

    def policy_runs(self, policy: str) -> list[Any]:
        """The runs of the policy of this id, the oldest first."""
        with self._engines["mistral"].connect() as connection:
            rows = connection.execute(
                sqlalchemy.text(
                    "select state, input, output from workflow_executions_v2"
                    f" where workflow_name = '{workbook.POLICY}' order by created_at"
                )
            ).all()
        return [row for row in rows if json.loads(row.input)["schedule"]["id"] == policy]

    def backups_of(self, policy: str, since: datetime) -> dict[str, Counter[str]]:
        """How many backups of each state each instance has of a policy, by their ids."""
        found: dict[str, Counter[str]] = {}
        for row in self._rows(
            "trove",
            "select instance_id, description, state from backups where created >= :since",
            since,
        ):
            if schedule_of(row.description) == policy:
                found.setdefault(row.instance_id, Counter())[row.state] += 1
        return found

    def _executions(self, since: datetime) -> dict[str, list[Any]]:
        rows = self._rows(
            "mistral",
            "select input, created_at, updated_at, state from workflow_executions_v2"
            " where workflow_name = 'trove.backup_create' and created_at >= :since",
            since,
        )
        found: dict[str, list[Any]] = {}
        for row in rows:
            schedule = (json.loads(row.input).get("schedule") or {}).get("id")
            found.setdefault(schedule, []).append(row)
        return found

    def _backups(self, since: datetime) -> dict[str, list[Any]]:
        rows = self._rows(
            "trove",
            "select description, created, updated, state from backups where created >= :since",
            since,
        )
        found: dict[str, list[Any]] = {}
        for row in rows:
            if (schedule := schedule_of(row.description)) is not None:
                found.setdefault(schedule, []).append(row)
        return found

    def _rows(self, service: str, statement: str, since: datetime) -> list[Any]:
        earliest = (since - EARLY).replace(tzinfo=None)
        query = sqlalchemy.text(statement).bindparams(
            sqlalchemy.bindparam("since", earliest, sqlalchemy.DateTime)
        )
        with self._engines[service].connect() as connection:
            return list(connection.execute(query))
