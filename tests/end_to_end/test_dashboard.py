# SPDX-License-Identifier: Apache-2.0
"""The dashboard in a real browser, on a real Horizon and the mini cloud.

Each run leaves screenshots in build/screenshots; `make screenshots` puts them into the docs.
"""

from __future__ import annotations

import json
import logging
import secrets
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import requests
from selenium.webdriver.common.keys import Keys

from bench.history import HISTORY, Project, execution_row, insert_rows
from bench.pages import Visitor
from tests.end_to_end.browser import AXE, HEIGHT, WIDTH, Browser
from tests.end_to_end.cloud import FIRING_TIMEOUT, NEVER_SOON, LiveCloud, hung_tool, run_by_hand
from tests.end_to_end.lacking import lacks
from tests.end_to_end.ticks import fire, owe
from trove_minicloud import settings
from trove_minicloud.commands import dashboard as minicloud_dashboard
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.services.horizon import Dashboard
from trove_minicloud.services.preparation import database_file
from trove_schedules import Policy, Schedule, ScheduledBackups
from trove_schedules.schedules.names import marker

LOG = logging.getLogger(__name__)

PANEL = "/project/backup_schedules/"
COVERAGE = "/project/backup_coverage/"
POLICIES = "/project/backup_policies/"
PAGES = (
    COVERAGE,
    f"{POLICIES}create/",
    PANEL,
    f"{PANEL}create/",
    *(
        f"{PANEL}{{schedule}}/{page}"
        for page in ("", "edit/", "executions/", "drills/", "drills/repeat/", "restore/")
    ),
)
#: Those about a policy, which has made a backup of ``{instance}``.
POLICY_PAGES = (
    POLICIES,
    *(
        f"{POLICIES}{{policy}}/{page}"
        for page in (
            "",
            "edit/",
            "executions/",
            "executions/?instance={instance}",
            "restore/?instance={instance}",
        )
    ),
)
#: What opens a menu.
_MENUS = ".backup-schedules .actions_column .dropdown-toggle"
FORM = "#create_backup_schedule_form"
EDIT_FORM = "#edit_backup_schedule_form"
POLICY_FORM = "#create_backup_policy_form"
REPEAT_FORM = "#repeat_backup_drills_form"
RESTORE_FORM = "#restore_backup_form"
#: Where nobody listens: a ping that fails changes nothing.
NOTIFY_URL = "http://127.0.0.1:9/nightly"
#: A daily pattern that no test meets the firing of, whenever it runs.
_HALF_A_DAY_OFF = (datetime.now(UTC).hour + 12) % 24
DAILY = f"0 {_HALF_A_DAY_OFF} * * *"
#: A restore, on a busy machine.
DRILLED = 300
#: What the whole of a form, or of a schedule's page, takes in a picture.
FORM_HEIGHT, DRAWING_HEIGHT = 1900, 1160


@pytest.fixture(scope="module")
def cloud(own_cloud: LiveCloud) -> LiveCloud:
    """No other file runs beside this one, so that nothing need be tidied up for it."""
    return own_cloud


@pytest.fixture(scope="module")
def horizon(cloud: LiveCloud) -> Dashboard:
    try:
        dashboard = minicloud_dashboard.enable(cloud.root, None)
    except MiniCloudError as error:
        lacks(str(error))
    minicloud_dashboard.wait(cloud.root, dashboard)
    cloud.create_instance("orders")
    return dashboard


@pytest.fixture(scope="module")
def browser(
    cloud: LiveCloud, horizon: Dashboard, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """The tenant, logged in."""
    opened = Browser(horizon.url, tmp_path_factory.mktemp("chromium"))
    try:
        opened.log_in(settings.USER, cloud.settings.demo_password)
        yield opened
    finally:
        opened.quit()


@pytest.fixture
def stranger(browser: Browser) -> Iterator[Browser]:
    """The browser, in which nobody is logged in."""
    tenant = browser.driver.get_cookies()
    browser.driver.delete_all_cookies()
    yield browser
    browser.driver.delete_all_cookies()
    for cookie in tenant:
        browser.driver.add_cookie(cookie)


@pytest.fixture(autouse=True)
def no_schedules_left(schedules: ScheduledBackups) -> Iterator[None]:
    yield
    for each in schedules.schedule_list():
        schedules.schedule_delete(each, force=True)


@pytest.fixture(scope="module")
def policy(horizon: Dashboard, schedules: ScheduledBackups) -> Iterator[Policy]:
    """One that has made a backup of the instance ``orders``."""
    created = schedules.policy_create("of the orders", NEVER_SOON, match=["orders"], keep_last=7)
    run_by_hand(schedules, schedules.policy_run(created))
    yield created
    schedules.policy_delete(created, force=True)


def test_from_an_instance_to_its_schedule_that_fires_and_is_deleted(
    cloud: LiveCloud, browser: Browser, schedules: ScheduledBackups
) -> None:
    browser.open("/project/databases/")
    assert browser.messages() == [], "the page of instances is clean"
    [style, *_] = browser.driver.find_elements("css selector", "link[rel='stylesheet']")
    served = requests.get(style.get_property("href"), timeout=60)
    assert served.headers["Cache-Control"] == "max-age=300"
    browser.click("tr[data-display='orders'] .dropdown-toggle")
    browser.find("tr[data-display='orders'] .dropdown-menu a", "Scheduled Backups")
    browser.screenshot("instances")
    browser.click("tr[data-display='orders'] .dropdown-menu a", "Scheduled Backups")
    browser.wait("the schedules", lambda: browser.path == PANEL)
    browser.find("#backup_schedules_instance option:checked", "orders")
    assert browser.rows() == []

    browser.click("a", "Create Schedule")
    browser.type(f"{FORM} #id_name", "nightly")
    browser.choose(f"{FORM} #id_preset", "Every Sunday at 02:00")
    browser.find("#next_runs li", f"{_next_sunday():%Y-%m-%d} 02:00:00 UTC")
    due = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=3)
    pattern, expected = f"{due.minute} * * * *", due + timedelta(hours=1)
    browser.type(f"{FORM} #id_pattern", pattern)
    browser.find("#next_runs li", f"{expected:%Y-%m-%d %H:%M:%S} UTC")
    assert browser.find(f"{FORM} #id_preset option:checked").text == "Own pattern"
    browser.type(f"{FORM} #id_keep_last", "7" + Keys.TAB)
    browser.find(f"{FORM} #remarks", "the schedule has at most 8 backups at once")
    browser.screenshot("create")
    browser.click(f"{FORM} summary", "Advanced")
    browser.type(f"{FORM} #id_description", "made in the dashboard")
    browser.type(f"{FORM} #id_notify_url", NOTIFY_URL)
    browser.screenshot("advanced", FORM_HEIGHT)
    browser.click(f"{FORM} input[type=submit]")
    browser.find("tr[data-display='nightly']")
    assert "Created schedule nightly. Its first run is due at" in browser.messages()[0]
    # The list is there at once; the names of the instances and how the schedules are come after it.
    browser.find(".schedule-instance", "orders")
    created = browser.rows()
    assert [row[1:4] for row in created] == [["nightly", "orders", f"{pattern} UTC"]]
    browser.find("tr[data-display='nightly'] .schedule-state", "PENDING")
    browser.find(".schedule-states", "None of 1 needs help.")
    browser.screenshot("schedules")

    # The row of the run appears with the page, and changes to its end by itself.
    browser.click("tr[data-display='nightly'] a", "nightly")
    browser.find("#schedule_health", "PENDING")
    browser.find("dd", NOTIFY_URL)
    [schedule] = schedules.schedule_list("orders")
    owe(cloud, schedule)
    fire(cloud, schedule)
    browser.click("a", "Executions")
    _reload_until_a_run(browser)
    browser.find("table.datatable tbody td", "Backup complete", FIRING_TIMEOUT)

    browser.open(browser.path.replace("executions/", ""))
    browser.find("#schedule_health", "OK")
    assert len(browser.driver.find_elements("css selector", "svg .run-success")) >= 1

    browser.click("a", "Executions")
    browser.find("table.datatable tbody td", "Backup complete")
    before = [row[1] for row in browser.rows()]
    browser.click("tbody tr:last-child .dropdown-toggle")
    browser.click("tbody tr:last-child button", "Delete Execution")
    browser.confirm()
    browser.wait("end of the row", lambda: before[-1] not in [row[1] for row in browser.rows()])
    assert f"Deleted Execution: {before[-1]}" in browser.messages()[0]

    browser.open(PANEL)
    browser.click("tr[data-display='nightly'] .dropdown-toggle")
    browser.click("tr[data-display='nightly'] button", "Delete Schedule")
    browser.confirm()
    browser.wait("end of the schedule", lambda: browser.rows() == [])
    assert "Deleted Schedule: nightly" in browser.messages()[0]


def test_a_schedule_is_paused_resumed_edited_and_run_by_hand(
    cloud: LiveCloud, browser: Browser, schedules: ScheduledBackups
) -> None:
    created = schedules.schedule_create("orders", DAILY, "nightly")
    browser.open(PANEL)
    browser.click("tr[data-display='nightly'] .dropdown-toggle")
    browser.click("tr[data-display='nightly'] button", "Pause Schedule")
    browser.find("tr[data-display='nightly'] td", "Paused")
    assert "Paused Schedule: nightly" in browser.messages()[0]

    browser.click("tr[data-display='nightly'] a", "nightly")
    browser.find("#schedule_health", "PAUSED")
    _act(browser, "button", "Resume Schedule")
    browser.find("#schedule_health", "PENDING")
    assert "Resumed Schedule: nightly" in browser.messages()[0]

    _act(browser, "a", "Edit Schedule")
    browser.find("#next_runs li", f" {_HALF_A_DAY_OFF:02}:00:00 UTC")
    browser.choose(f"{EDIT_FORM} #id_preset", "Every Sunday at 02:00")
    browser.find("#next_runs li", f"{_next_sunday():%Y-%m-%d} 02:00:00 UTC")
    browser.type(f"{EDIT_FORM} #id_keep_last", "7")
    browser.click(f"{EDIT_FORM} summary", "Advanced")
    assert browser.find(f"{EDIT_FORM} #id_attempts").get_attribute("value") == "3"
    browser.type(f"{EDIT_FORM} #id_attempts", "5")
    browser.type(f"{EDIT_FORM} #id_retry_every", "10")
    browser.type(f"{EDIT_FORM} #id_deadline", "90")
    browser.screenshot("edit", FORM_HEIGHT)
    browser.click(f"{EDIT_FORM} input[type=submit]")
    browser.find("dd", "the newest 7")
    browser.find("dd", "0 2 * * sun")
    browser.find("dd", "5, 10 minutes apart")
    browser.find("dd", "90 minutes")
    assert "Changed schedule nightly." in browser.messages()[0]
    changed = schedules.schedule_show(created.id)
    assert (changed.pattern, changed.keep_last) == ("0 2 * * sun", 7)
    assert (changed.attempts, changed.retry_every, changed.deadline) == (5, 10, 90)

    _act(browser, "a", "Edit Schedule")
    browser.click(f"{EDIT_FORM} input[type=submit]")
    browser.find(f"{EDIT_FORM} .alert", "there is nothing to change")
    browser.open(f"{PANEL}{created.id}/")

    _act(browser, "button", "Run Now")
    browser.wait("the message", lambda: browser.driver.find_elements("css selector", ".alert"))
    assert "Started a Run of Schedule: nightly" in browser.messages()[0]
    browser.click(".page-header a", "Executions")
    browser.find("table.datatable tbody td", "Backup complete", FIRING_TIMEOUT)
    browser.open(f"{PANEL}{created.id}/")
    browser.find("#schedule_health", "OK")

    _prove_that_it_restores(browser, schedules, created)

    _give_a_history(cloud, changed, "R", [], newest=datetime.now(UTC))
    _act(browser, "button", "Pause Schedule")
    browser.wait("the message", lambda: browser.driver.find_elements("css selector", ".alert"))
    assert "has a run in progress" in browser.messages()[0]
    assert not schedules.schedule_show(created.id).paused


def test_the_backup_of_a_run_is_restored_by_a_form_that_is_filled_in(
    cloud: LiveCloud, browser: Browser, schedules: ScheduledBackups
) -> None:
    created = schedules.schedule_create("orders", DAILY, "nightly")
    first = run_by_hand(schedules, created.id)
    run_by_hand(schedules, created.id)
    browser.open(f"{PANEL}{created.id}/executions/")
    browser.find(f"tr[data-object-id='{first.id}'] a", "Restore").click()
    assert browser.find(f"{RESTORE_FORM} #id_name").get_attribute("value") == "orders-restored"
    assert browser.find(f"{RESTORE_FORM} #id_flavor").get_attribute("value") == settings.FLAVOR_ID
    chosen = browser.find(f"{RESTORE_FORM} #id_backup option:checked")
    assert chosen.get_attribute("value") == first.backup_id
    assert len(browser.driver.find_elements("css selector", f"{RESTORE_FORM} option")) >= 2
    browser.screenshot("restore", FORM_HEIGHT)
    if AXE.exists():
        assert browser.accessibility_faults(RESTORE_FORM) == []
    browser.click(f"{RESTORE_FORM} input[type=submit]")
    browser.wait("the instances", lambda: browser.path == "/project/databases/")
    time = cloud.backup(str(first.backup_id))["created"].replace("T", " ")
    said = f"Instance orders-restored is being made from the backup of {time} UTC."
    assert said in browser.messages()[0]
    # The row changes by itself.
    browser.find("tr[data-display='orders-restored'] td", "Active", timeout=DRILLED)
    cloud.delete_instance("orders-restored")


def test_a_wrong_pattern_is_refused_in_the_form_with_the_products_text(browser: Browser) -> None:
    browser.open(PANEL)
    browser.click("a", "Create Schedule")
    browser.choose(f"{FORM} #id_instance", "orders")
    browser.type(f"{FORM} #id_name", "never")
    browser.type(f"{FORM} #id_pattern", "0 0 31 2 *")
    words = "the pattern '0 0 31 2 *' is not valid: it names a day that never comes"
    browser.find("#next_runs", words)
    browser.click(f"{FORM} input[type=submit]")
    browser.find(f"{FORM} .has-error .help-block", words)
    assert browser.find(f"{FORM} #id_name").get_attribute("value") == "never"
    browser.screenshot("refused")


def test_the_form_can_be_used_by_the_keyboard_alone(
    browser: Browser, schedules: ScheduledBackups
) -> None:
    browser.open(PANEL)
    _tab_to(browser, lambda: browser.focused().text == "Create Schedule")
    browser.press(Keys.ENTER)
    browser.find(f"{FORM} #id_instance")
    browser.wait("focus in the form", lambda: _focused_id(browser) == "id_instance")
    browser.press("orders")
    for field, typed in (("id_name", "by keyboard"), ("id_preset", "Every day")):
        _tab_to(browser, lambda field=field: _focused_id(browser) == field)  # type: ignore[misc]
        browser.press(typed)
    _tab_to(browser, lambda: browser.focused().text == "Advanced")
    browser.press(Keys.ENTER)
    _tab_to(browser, lambda: _focused_id(browser) == "id_kind")
    browser.press("Incremental")
    _tab_to(browser, lambda: browser.focused().get_attribute("type") == "submit")
    browser.press(Keys.ENTER)
    browser.find("tr[data-display='by keyboard'] .schedule-instance", "orders")
    assert [row[1:4] for row in browser.rows()] == [["by keyboard", "orders", "0 2 * * * UTC"]]
    assert schedules.schedule_show("by keyboard").incremental
    browser.messages()


def test_several_schedules_are_deleted_at_once(
    browser: Browser, schedules: ScheduledBackups
) -> None:
    for name in ("one", "two", "three"):
        schedules.schedule_create("orders", DAILY, name)
    browser.open(PANEL)
    for name in ("one", "two"):
        browser.click(f"tr[data-display='{name}'] .themable-checkbox label")
    browser.click("button", "Delete Schedules")
    browser.confirm()
    browser.wait("one row", lambda: [row[1] for row in browser.rows()] == ["three"])
    browser.messages()


def test_coverage_leads_from_an_unprotected_instance_to_its_proof(
    browser: Browser, schedules: ScheduledBackups
) -> None:
    schedules.schedule_create("orders", "0 2 * * sun", "weekly", keep_last=7)
    browser.open(COVERAGE)
    browser.find("tr[data-display='m'] td", "Unprotected")
    browser.screenshot("coverage")
    browser.click("tr[data-display='m'] a", "Protect")
    browser.find(f"{FORM} #id_name")
    assert browser.find(f"{FORM} #id_instance option:checked").text == "m"
    browser.type(f"{FORM} #id_name", "nightly")
    browser.click(f"{FORM} input[type=submit]")
    browser.find("tr[data-display='nightly']")
    browser.messages()
    browser.open(COVERAGE)
    browser.find("tr[data-display='m'] td", "Protected, restore not proven")
    browser.click("tr[data-display='m'] a", "Prove")
    browser.find("h1", "nightly")


def test_a_policy_is_created_previewed_run_and_deleted(
    browser: Browser, schedules: ScheduledBackups
) -> None:
    browser.open(POLICIES)
    browser.click("a", "Create Policy")
    browser.type(f"{POLICY_FORM} #id_name", "nearly all")
    browser.type(f"{POLICY_FORM} #id_exclude", "orders")
    browser.type(f"{POLICY_FORM} #id_keep_last", "7" + Keys.TAB)
    browser.find("#next_runs li", " 02:00:00 UTC")
    browser.find(f"{POLICY_FORM} #remarks", "backups at once")
    browser.screenshot("policy-create")
    browser.click(f"{POLICY_FORM} input[type=submit]")
    browser.find("tr[data-display='nearly all'] td", "all; without orders")
    assert "Created policy nearly all." in browser.messages()[0]
    browser.find("tr[data-display='nearly all'] .schedule-state", "PENDING")
    browser.find(".schedule-states", "None of 1 needs help.")
    browser.screenshot("policies")

    browser.click("tr[data-display='nearly all'] a", "nearly all")
    browser.find("h2", "A run now would back up 1 instance")
    browser.find("tr[data-display='m'] td", "Backed up")
    browser.find("tr[data-display='orders'] td", "Left out")
    assert _fits(browser)
    if AXE.exists():
        browser.click(".page-header .dropdown-toggle")
        assert browser.accessibility_faults(".backup-schedules") == []
        browser.click(".page-header .dropdown-toggle")
    _act(browser, "button", "Run Now")
    browser.wait("the message", lambda: browser.driver.find_elements("css selector", ".alert"))
    assert "Started a Run of Policy: nearly all" in browser.messages()[0]
    browser.find("#schedule_progress", "A run is in progress, for")
    # The page comes anew when the run has ended.
    browser.find("tr[data-display='m'] td a", "Restore", DRILLED)
    browser.find("#schedule_health", "1 instance: OK")
    browser.screenshot("policy")
    _act(browser, "button", "Run a Drill")
    browser.wait("the message", lambda: browser.driver.find_elements("css selector", ".alert"))
    assert "Started a Drill of Policy: nearly all" in browser.messages()[0]
    _act(browser, "a", "Restore Drills")
    browser.find("table.datatable tbody td", "Drill passed: backup ", timeout=DRILLED)
    browser.find("table.datatable tbody td a", "m")
    browser.click("a", "Repeat Drills")
    browser.choose(f"{REPEAT_FORM} #id_preset", "Every Sunday at 02:00")
    browser.click(f"{REPEAT_FORM} input[type=submit]")
    browser.wait("the message", lambda: browser.driver.find_elements("css selector", ".alert"))
    assert "Drills of nearly all are repeated." in browser.messages()[0]
    browser.screenshot("policy-drills")
    if AXE.exists():
        assert browser.accessibility_faults(".backup-schedules") == []
    created = schedules.policy_show("nearly all")
    browser.open(f"{POLICIES}{created.id}/")
    drills = schedules.policy_drill_show(created)
    assert drills is not None
    browser.find("#drill", drills.pattern)
    browser.click(".page-header a", "Executions")
    browser.find("table.datatable tbody td", "Backed up 1 of 1")

    browser.open(COVERAGE)
    browser.click("tr[data-display='m'] a", "nearly all")
    _act(browser, "button", "Delete Policy")
    browser.confirm()
    browser.wait("end of the policy", lambda: schedules.policy_list() == [])
    browser.messages()


def test_an_instance_of_a_policy_is_restored_from_its_page_and_from_its_run(
    cloud: LiveCloud, browser: Browser, schedules: ScheduledBackups, policy: Policy
) -> None:
    browser.open(f"{POLICIES}{policy.id}/")
    browser.click("tr[data-display='orders'] a", "Executions")
    browser.click("table.datatable tbody tr a", "Restore")
    [run] = schedules.execution_list(policy, instance="orders")
    chosen = browser.find(f"{RESTORE_FORM} #id_backup option:checked")
    assert chosen.get_attribute("value") == run.backup_id
    browser.open(f"{POLICIES}{policy.id}/")
    browser.click("tr[data-display='orders'] a", "Restore")
    assert browser.find(f"{RESTORE_FORM} #id_name").get_attribute("value") == "orders-restored"
    browser.click(f"{RESTORE_FORM} input[type=submit]")
    browser.wait("the instances", lambda: browser.path == "/project/databases/")
    assert "Instance orders-restored is being made from the backup of" in browser.messages()[0]
    browser.find("tr[data-display='orders-restored'] td", "Active", timeout=DRILLED)
    cloud.delete_instance("orders-restored")


def test_a_run_in_progress_is_followed_and_its_backup_pinned(
    cloud: LiveCloud, browser: Browser, schedules: ScheduledBackups
) -> None:
    created = schedules.schedule_create("orders", DAILY, "nightly", keep_last=7)
    page = f"{PANEL}{created.id}/"
    browser.open(page)
    browser.find("#schedule_backups", "No backup yet.")
    schedules.schedule_run(created)
    # So that it is in progress for as long as the page takes.
    tool = hung_tool(cloud, "orders")
    try:
        browser.open(page)
        browser.find("#schedule_progress", "A run is in progress, for")
    finally:
        tool.resume()
    # The page comes anew when the run has ended.
    row = "#schedule_backups tr[data-object-id]"
    browser.find(f"{row} td", "COMPLETED", FIRING_TIMEOUT)
    browser.click(f"{row} .dropdown-toggle")
    browser.click(f"{row} button", "Pin")
    browser.find(f"{row} td", "Pinned")
    [run] = schedules.execution_list(created)
    assert schedules.schedule_show(created.id).pinned == (run.backup_id,)
    browser.messages()
    browser.screenshot("backups", DRAWING_HEIGHT)
    browser.click(f"{row} .dropdown-toggle")
    browser.click(f"{row} button", "Unpin")
    browser.wait("end of the pin", lambda: schedules.schedule_show(created.id).pinned == ())
    browser.messages()
    browser.click(f"{row} td a", "UTC")
    browser.find(f"tr[data-object-id='{run.id}'] td", "Backup complete")


def test_no_page_of_a_schedule_needs_scrolling_sideways_or_has_a_serious_fault(
    browser: Browser, schedules: ScheduledBackups
) -> None:
    created = schedules.schedule_create("orders", "30 2,14 * * 1-5", "a name of some length")
    run_by_hand(schedules, created.id)
    found = {}
    for page in PAGES:
        browser.open(page.format(schedule=created.id))
        browser.find("h1")
        if page == PANEL:
            browser.find(".schedule-state", "OK")
        elif page == COVERAGE:
            browser.find("svg.coverage")
        found[page] = _faults(browser, "narrow" if page == PANEL else None)
    assert found == {page: [] for page in PAGES}


def test_no_page_of_a_policy_needs_scrolling_sideways_or_has_a_serious_fault(
    browser: Browser, schedules: ScheduledBackups, policy: Policy
) -> None:
    names = schedules.instance_names()
    instance = next(key for key, name in names.items() if name == "orders")
    found = {}
    for page in POLICY_PAGES:
        browser.open(page.format(policy=policy.id, instance=instance))
        browser.find("h1")
        if page == POLICIES:
            browser.find(".schedule-state", "OK")
        found[page] = _faults(browser)
    assert found == {page: [] for page in POLICY_PAGES}


def _faults(browser: Browser, picture: str | None = None) -> list[str]:
    """Of a page with all that is folded on it: in a window of 800 pixels, and by axe.

    axe looks at the page and at each of its menus, opened.
    """
    if not AXE.exists():
        lacks("axe-core is not installed (npm install --prefix build/axe axe-core)")
    browser.driver.execute_script(
        "document.querySelectorAll('details').forEach(each => { each.open = true; })"
    )
    found = [] if _fits(browser, picture) else ["800 pixels need scrolling sideways"]
    found += browser.accessibility_faults(".backup-schedules")
    for number in range(len(browser.driver.find_elements("css selector", _MENUS))):
        browser.driver.find_elements("css selector", _MENUS)[number].click()
        browser.find(".actions_column.open li")
        found += browser.accessibility_faults(".backup-schedules")
    return found


def _fits(browser: Browser, picture: str | None = None) -> bool:
    """Whether a window of 800 pixels needs no scrolling sideways."""
    browser.driver.set_window_size(800, 860)
    try:
        fits: bool = browser.driver.execute_script(
            "var all = document.documentElement; return all.scrollWidth <= all.clientWidth"
        )
        if picture is not None:
            browser.screenshot(picture, width=800)
    finally:
        browser.driver.set_window_size(WIDTH, HEIGHT)
    return fits


def test_the_page_of_an_instance_has_a_tab_with_its_schedules(
    browser: Browser, schedules: ScheduledBackups
) -> None:
    schedules.schedule_create("orders", DAILY, "in the tab")
    schedules.schedule_create("m", DAILY, "of another")
    browser.open("/project/databases/")
    browser.click("a", "orders")
    browser.click(".nav-tabs a", "Scheduled Backups")
    browser.find("tr[data-display='in the tab']")
    assert [row[1] for row in browser.rows()] == ["in the tab"]
    browser.find("tr[data-display='in the tab'] .schedule-state", "PENDING")
    browser.screenshot("tab")


def test_the_details_draw_outcomes_durations_and_sizes(
    cloud: LiveCloud, browser: Browser, schedules: ScheduledBackups
) -> None:
    created = schedules.schedule_create("orders", DAILY, "nightly", incremental=True)
    # As if the schedule had made them.
    backups = list(_growing_backups(cloud, created))
    _give_a_history(cloud, created, "SSSESSSSSESSSSSSR", backups, newest=datetime.now(UTC))
    browser.open(f"{PANEL}{created.id}/")
    browser.find("#schedule_health", "OK")
    drawn = browser.driver.find_elements("css selector", "svg.schedule-runs .run")
    states = [each.get_attribute("class") for each in drawn]
    assert [states.index("run run-error"), states.count("run run-error"), len(states)] == [3, 2, 17]
    sizes = [
        float(each.get_attribute("height"))
        for each in browser.driver.find_elements("css selector", "svg.schedule-runs .size")
    ]
    assert len(sizes) == 14
    assert sizes[0] < sizes[-1]
    assert sizes == sorted(sizes)
    browser.screenshot("details", DRAWING_HEIGHT)
    browser.click("summary", "As a table")
    table = browser.find("#runs_table tbody").text
    assert table.count("ERROR") == 2
    assert table.count("no space left on the device") == 2
    browser.click(".page-header a", "Executions")
    browser.find("table.datatable tbody td", "Running")
    browser.screenshot("executions")
    before = [row[1] for row in browser.rows()]
    for row in (2, 4):
        browser.click(f"table.datatable tbody tr:nth-child({row}) .themable-checkbox label")
    browser.click("button", "Delete Executions")
    browser.confirm()
    browser.wait(
        "end of two rows",
        lambda: [row[1] for row in browser.rows()] == [before[0], before[2], *before[4:]],
    )
    assert f"Deleted Executions: {before[1]}, {before[3]}" in browser.messages()[0]
    assert len(schedules.execution_list(created)) == len(before) - 2


def test_a_night_without_a_backup_is_told_with_its_reason(
    cloud: LiveCloud, browser: Browser, schedules: ScheduledBackups
) -> None:
    due = (datetime.now(UTC) - timedelta(hours=1)).replace(second=0, microsecond=0)
    created = schedules.schedule_create("orders", f"{due:%M %H} * * *", "nightly", attempts=1)
    _give_a_history(cloud, created, "EEE", [], newest=due)
    browser.open(f"{PANEL}{created.id}/")
    told = browser.find("#schedule_health", "FAILED").text
    assert "no space left on the device" in told
    browser.screenshot("failed", DRAWING_HEIGHT)


def test_a_second_tenant_sees_nothing_of_the_first(
    cloud: LiveCloud, stranger: Browser, schedules: ScheduledBackups
) -> None:
    created = schedules.schedule_create("orders", DAILY, "private")
    name, password = f"stranger-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    cloud.new_tenant(name, password)
    stranger.log_in(name, password)
    stranger.open(PANEL)
    assert stranger.rows() == []
    stranger.open(f"{PANEL}{created.id}/")
    stranger.wait("the list", lambda: stranger.path == PANEL)
    assert (
        f"no backup schedule of this project has the id or name '{created.id}'"
        in (stranger.messages()[0])
    )


def test_pages_of_a_thousand_rows_come_whole(
    cloud: LiveCloud, horizon: Dashboard, stranger: Browser
) -> None:
    name, password = f"large-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    session, _ = cloud.new_tenant(name, password)
    database = database_file(cloud.root.service("mistral"))
    project = Project(session, database, 1000, HISTORY)
    schedule = project.schedules.schedule_show(project.schedule_ids[0])
    _give_a_history(cloud, schedule, "S" * (1000 - HISTORY), [str(uuid.uuid4())])
    # As the benchmark of pages looks at them.
    visitor = Visitor(horizon.url, name, password)
    assert visitor.rows(20) == 20
    assert visitor.ill() > 0
    stranger.log_in(name, password)
    for size in (20, 1000):
        stranger.driver.add_cookie({"name": "API_RESULT_PAGE_SIZE", "value": str(size)})
        for page, rows in (
            (PANEL, size),
            (f"{PANEL}{schedule.id}/", 0),
            (f"{PANEL}{schedule.id}/executions/", size),
        ):
            stranger.open(page)
            assert len(stranger.rows()) == rows
            LOG.info("%s with %d rows was answered in %.2f s", page, rows, stranger.answered_in())
            if page == PANEL:
                stranger.find(".schedule-states", "of 1000 need")
                LOG.info("its states came in %.2f s", stranger.answered_in("states/"))


def _prove_that_it_restores(
    browser: Browser, schedules: ScheduledBackups, schedule: Schedule
) -> None:
    """Run a drill from the page of a schedule that has a backup, and repeat it by the form."""
    browser.find("#last_proven", "Not known")
    _act(browser, "button", "Run a Drill")
    browser.wait("the message", lambda: browser.driver.find_elements("css selector", ".alert"))
    assert "Started a Drill of Schedule: nightly" in browser.messages()[0]
    browser.find("#schedule_drill_progress", "A drill is in progress, for")
    browser.screenshot("drilling", DRAWING_HEIGHT)
    _act(browser, "a", "Restore Drills")
    # The row changes by itself.
    browser.find("table.datatable tbody td", "Drill passed: backup ", timeout=DRILLED)

    browser.click("a", "Repeat Drills")
    browser.choose(f"{REPEAT_FORM} #id_preset", "Every Sunday at 02:00")
    browser.find("#next_runs li", f"{_next_sunday():%Y-%m-%d} 02:00:00 UTC")
    browser.screenshot("repeat")
    browser.click(f"{REPEAT_FORM} input[type=submit]")
    browser.wait("the message", lambda: browser.driver.find_elements("css selector", ".alert"))
    said = f"Drills of nightly are repeated. The next is due at {_next_sunday():%Y-%m-%d} 02:00"
    assert said in browser.messages()[0]
    browser.screenshot("drills")
    browser.open(f"{PANEL}{schedule.id}/")
    [health] = schedules.schedule_health([schedule])
    assert health.last_proven is not None
    proven = f"{health.last_proven:%Y-%m-%d %H:%M:%S} UTC, backup {health.proven_backup}"
    assert browser.find("#last_proven").text == proven
    assert browser.find("#drill").text.startswith("0 2 * * sun, the next at ")
    browser.screenshot("proven", DRAWING_HEIGHT)

    browser.open(f"{PANEL}{schedule.id}/drills/")
    browser.click("a", "Repeat Drills")
    assert browser.find(f"{REPEAT_FORM} #id_preset option:checked").text == "Every Sunday at 02:00"
    browser.type(f"{REPEAT_FORM} #id_pattern", " ")
    browser.click(f"{REPEAT_FORM} input[type=submit]")
    browser.wait("the message", lambda: browser.driver.find_elements("css selector", ".alert"))
    assert "Drills of nightly are repeated no more." in browser.messages()[0]
    assert schedules.schedule_drill_show(schedule) is None
    browser.open(f"{PANEL}{schedule.id}/")


def _growing_backups(cloud: LiveCloud, schedule: Schedule) -> Iterator[str]:
    """Backups of the schedule's instance, each larger than the one before."""
    with cloud.connect("orders") as connection:
        connection.execute("create table growing (line text)")
        for lines in (0, 20_000, 40_000):
            connection.execute(
                "insert into growing select md5(random()::text) from generate_series(1, %s)",
                [lines],
            )
            description = marker(schedule.id)
            yield str(cloud.take_backup(schedule.instance, description=description)["id"])


def _give_a_history(
    cloud: LiveCloud,
    schedule: Schedule,
    states: str,
    backups: list[str],
    newest: datetime | None = None,
) -> None:
    """Write a past run into Mistral's database for each letter, one a day, the schedule with them.

    :param backups: of the runs that succeeded, the oldest first, as many runs for each.
    :param newest: when the last of them started; yesterday if not said.
    """
    newest = newest or datetime.now(UTC) - timedelta(days=1)
    database = database_file(cloud.root.service("mistral"))
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        connection.row_factory = sqlite3.Row
        query = "select * from cron_triggers_v2 where id = ?"
        trigger = dict(connection.execute(query, [schedule.trigger_id]).fetchone())
        runs = []
        for number, letter in enumerate(states):
            started = newest.replace(tzinfo=None) - timedelta(days=len(states) - 1 - number)
            run = execution_row(trigger, 0, started, trigger["project_id"])
            run["updated_at"] = started + timedelta(seconds=4 + number * 7 % 5)
            if letter == "E":
                run |= {"state": "ERROR", "output": "{}"}
                run["state_info"] = "… msg='no space left on the device']"
            elif letter == "R":
                run |= {"state": "RUNNING", "output": "{}"}
            else:
                backup = backups[number * len(backups) // len(states)]
                run["output"] = json.dumps({"status": "Backup complete", "backup_id": backup})
            runs.append({"state_info": None} | run)
        insert_rows(connection, "workflow_executions_v2", runs)
        before = min(run["created_at"] for run in runs) - timedelta(days=1)
        connection.execute(
            "update cron_triggers_v2 set created_at = ?, workflow_input ="
            " json_set(workflow_input, '$.schedule.owed_since', ?) where id = ?",
            [before, f"{before:%Y-%m-%dT%H:%M:%S}+00:00", schedule.trigger_id],
        )


def _act(browser: Browser, element: str, text: str) -> None:
    """Choose an action on the page of a schedule."""
    browser.click(".page-header .dropdown-toggle")
    browser.click(f".page-header {element}", text)


def _next_sunday() -> datetime:
    now = datetime.now(UTC)
    days = (6 - now.weekday()) % 7
    sunday = (now + timedelta(days=days)).replace(hour=2, minute=0, second=0, microsecond=0)
    return sunday if sunday > now else sunday + timedelta(days=7)


def _reload_until_a_run(browser: Browser) -> None:
    deadline = time.monotonic() + FIRING_TIMEOUT
    while not browser.rows():
        assert time.monotonic() < deadline, "the schedule didn't fire"
        time.sleep(0.5)
        browser.driver.refresh()


def _tab_to(browser: Browser, there: object) -> None:
    assert callable(there)
    for _ in range(60):
        if there():
            return
        browser.press(Keys.TAB)
    pytest.fail(f"60 times Tab didn't lead there; the focus is on {browser.focused().text!r}")


def _focused_id(browser: Browser) -> str | None:
    return browser.focused().get_attribute("id")
