// SPDX-License-Identifier: Apache-2.0
// A list of schedules or executions is there before the names of the instances. They are asked for after that, and
// filled in: in the filter, and where a row has the id of its instance.
(function () {
  "use strict";

  function option(value, text) {
    var element = document.createElement("option");
    element.value = value;
    element.textContent = text;
    return element;
  }

  function fillFilter(filter, names) {
    var ids = Object.keys(names);
    ids.sort(function (one, other) { return names[one].localeCompare(names[other]); });
    var chosen = filter.value;
    // Of those that are there, the first is for all of them, and the second may be for one that is gone.
    if (chosen in names) { filter.options[1].remove(); }
    ids.forEach(function (id) { filter.append(option(id, names[id])); });
    filter.value = chosen;
  }

  function nameRows(names) {
    document.querySelectorAll(".schedule-instance a").forEach(function (link) {
      var name = names[link.textContent.trim()];
      if (name) { link.textContent = name; }
    });
  }

  function show(place, answer) {
    var isFilter = place.tagName === "SELECT";
    if (answer.error) {
      var trouble = option("", answer.error);
      trouble.disabled = true;
      if (isFilter) { place.append(trouble); }
      return;
    }
    if (isFilter) { fillFilter(place, answer.names); }
    nameRows(answer.names);
    // A row that is asked for again has the id again.
    document.querySelectorAll("table.datatable tbody").forEach(function (rows) {
      new MutationObserver(function () { nameRows(answer.names); }).observe(rows, {childList: true});
    });
  }

  horizon.addInitFunction(function () {
    var place = document.querySelector("[data-instance-names]");
    if (!place) { return; }
    fetch(place.dataset.instanceNames, {headers: {"X-Requested-With": "XMLHttpRequest"}})
      .then(function (response) { return response.json(); })
      .catch(function () { return {error: place.dataset.failure}; })
      .then(function (answer) { show(place, answer); });
  });
})();
