// SPDX-License-Identifier: Apache-2.0
// The forms that create and change a schedule, and repeat its drills: they show the next runs of the
// pattern as it is typed, fill the pattern in from the presets, and the first offers the chosen
// instance's backups as parents only.
(function () {
  "use strict";

  var FORMS = "#create_backup_schedule_form, #edit_backup_schedule_form, #repeat_backup_drills_form";
  var PAUSE = 250; // milliseconds of rest in the typing before the server is asked
  var timer = null;
  var asked = 0;

  function line(tag, text) {
    var element = document.createElement(tag);
    element.textContent = text;
    return element;
  }

  function showRuns(place, answer) {
    place.replaceChildren();
    if (answer.error) {
      var error = line("p", answer.error);
      error.className = "text-danger";
      place.append(error);
      return;
    }
    if (answer.note) { place.append(line("p", answer.note)); }
    var list = document.createElement("ol");
    answer.runs.forEach(function (run) {
      var time = new Date(run);
      var item = document.createElement("li");
      item.append(line("div", run.replace("T", " ").replace("Z", "") + " " + place.dataset.utc));
      item.append(line("div", place.dataset.local + ": " + time.toLocaleString(undefined, {
        weekday: "short", year: "numeric", month: "short", day: "numeric",
        hour: "2-digit", minute: "2-digit", timeZoneName: "short"
      })));
      list.append(item);
    });
    place.append(list);
  }

  function askForRuns(form) {
    var place = form.querySelector("#next_runs");
    var mine = ++asked;
    var pattern = form.querySelector("#id_pattern").value;
    if (!pattern) {
      place.replaceChildren();
      return;
    }
    var zone = form.querySelector("#id_timezone"); // drills have none
    var query = "?pattern=" + encodeURIComponent(pattern) +
      "&timezone=" + encodeURIComponent(zone ? zone.value : "");
    fetch(place.dataset.url + query, {
      headers: {"X-Requested-With": "XMLHttpRequest"}
    }).then(function (response) {
      return response.json();
    }).catch(function () {
      return {error: place.dataset.failure};
    }).then(function (answer) {
      if (mine === asked) { showRuns(place, answer); }
    });
  }

  function offerParents(form) {
    var instance = form.querySelector("#id_instance");
    if (!instance) { return; }
    var name = instance.selectedIndex < 0 ? "" : instance.options[instance.selectedIndex].text;
    form.querySelectorAll("#id_parent_id optgroup").forEach(function (group) {
      group.hidden = group.disabled = Boolean(instance.value) && group.label !== name;
    });
  }

  function formOf(element) {
    return element.closest(FORMS);
  }

  function start(container) {
    var form = container.querySelector(FORMS);
    if (form) {
      askForRuns(form);
      offerParents(form);
    }
  }

  function typed(event) {
    var form = formOf(event.target);
    var pattern = event.target.id === "id_pattern";
    if (form && (pattern || event.target.id === "id_timezone")) {
      if (pattern) { form.querySelector("#id_preset").value = ""; }
      clearTimeout(timer);
      timer = setTimeout(askForRuns, PAUSE, form);
    }
  }

  function chosen(event) {
    var form = formOf(event.target);
    if (form && event.target.id === "id_preset" && event.target.value) {
      form.querySelector("#id_pattern").value = event.target.value;
      askForRuns(form);
    } else if (form && event.target.id === "id_instance") {
      form.querySelector("#id_parent_id").value = "";
      offerParents(form);
    }
  }

  document.addEventListener("input", typed);
  document.addEventListener("change", chosen);
  horizon.modals.addModalInitFunction(function (modal) { start($(modal)[0]); });
  horizon.addInitFunction(function () { start(document); });
})();
