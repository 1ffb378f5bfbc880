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

  function show(filter, answer) {
    if (answer.error) {
      var trouble = option("", answer.error);
      trouble.disabled = true;
      filter.append(trouble);
      return;
    }
    fillFilter(filter, answer.names);
    document.querySelectorAll(".schedule-instance a").forEach(function (link) {
      var name = answer.names[link.textContent.trim()];
      if (name) { link.textContent = name; }
    });
  }

  horizon.addInitFunction(function () {
    var filter = document.querySelector(".instance-filter");
    if (!filter) { return; }
    fetch(filter.dataset.url, {headers: {"X-Requested-With": "XMLHttpRequest"}})
      .then(function (response) { return response.json(); })
      .catch(function () { return {error: filter.dataset.failure}; })
      .then(function (answer) { show(filter, answer); });
  });
})();
