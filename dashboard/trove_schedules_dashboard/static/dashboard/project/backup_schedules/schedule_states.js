// SPDX-License-Identifier: Apache-2.0
// The list of schedules, or of policies, is there at once. How they are is asked for after that, once for all rows, and
// filled in; above the list it says how many need help.
(function () {
  "use strict";

  function badge(cells) {
    var label = document.createElement("strong");
    var icon = document.createElement("span");
    label.className = "label label-" + cells.label;
    icon.className = "fa fa-" + cells.icon;
    icon.setAttribute("aria-hidden", "true");
    label.append(icon, " " + cells.state);
    var reason = document.createElement("div");
    reason.className = "reason";
    reason.textContent = cells.reason;
    return [label, reason];
  }

  function fill(row, cells) {
    row.querySelector(".schedule-state").replaceChildren.apply(
      row.querySelector(".schedule-state"), badge(cells));
    [["last-backup", cells.last_backup], ["last-proven", cells.last_proven]].forEach(function (cell) {
      var place = row.querySelector(".schedule-" + cell[0]);
      if (place) { place.textContent = cell[1]; }
    });
  }

  function show(place, answer) {
    if (answer.error) {
      place.className += " text-danger";
      place.textContent = answer.error;
      return;
    }
    place.textContent = answer.told;
    if (answer.ill) {
      var link = document.createElement("a");
      link.href = answer.url;
      link.textContent = place.dataset.show;
      place.append(" ", link);
    }
    place.parentElement.querySelectorAll("tbody tr[data-object-id]").forEach(function (row) {
      var cells = answer.rows[row.dataset.objectId];
      if (cells) { fill(row, cells); }
    });
  }

  function start(container) {
    var place = container.querySelector(".schedule-states");
    if (!place) { return; }
    fetch(place.dataset.url, {headers: {"X-Requested-With": "XMLHttpRequest"}})
      .then(function (response) { return response.json(); })
      .catch(function () { return {error: place.dataset.failure}; })
      .then(function (answer) { show(place, answer); });
  }

  horizon.addInitFunction(function () { start(document); });
  horizon.tabs.addTabLoadFunction(function (tab) { start($(tab)[0]); });
})();
