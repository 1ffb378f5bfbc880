// SPDX-License-Identifier: Apache-2.0
// The forms that create and change a schedule or a policy, and repeat its drills: they show the next runs of the
// pattern as it is typed, and keep the pattern and "How often" the same. Those of
// a schedule say what should be known of the options, and the first offers the chosen instance's backups
// as parents only.
(function () {
  "use strict";

  var FORMS = "#create_backup_schedule_form, #edit_backup_schedule_form, #repeat_backup_drills_form, " +
    "#create_backup_policy_form, #edit_backup_policy_form";
  var PAUSE = 250; // milliseconds of rest in the typing before the server is asked
  var timer = null;
  var asked = 0;
  var askedForRemarks = 0;

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

  function showRemarks(place, answer) {
    var list = place.querySelector("ul");
    list.replaceChildren();
    (answer.remarks || []).forEach(function (remark) {
      var item = line("li", remark.said);
      if (remark.warning) { item.prepend(line("strong", place.dataset.warning + ":"), " "); }
      list.append(item);
    });
    if (answer.error) { list.append(line("li", answer.error)); }
    place.hidden = !list.children.length;
  }

  function askForRemarks(form) {
    var place = form.querySelector("#remarks");
    if (!place) { return; }
    var mine = ++askedForRemarks;
    fetch(place.dataset.url, {
      method: "POST", body: new FormData(form), headers: {"X-Requested-With": "XMLHttpRequest"}
    }).then(function (response) {
      return response.json();
    }).catch(function () {
      return {error: place.dataset.failure};
    }).then(function (answer) {
      if (mine === askedForRemarks) { showRemarks(place, answer); }
    });
  }

  // What "How often" says is what the pattern is; the first choice stands for any other pattern.
  function agree(form) {
    var preset = form.querySelector("#id_preset");
    var pattern = form.querySelector("#id_pattern").value.trim().split(/\s+/).join(" ").toLowerCase();
    var known = Array.from(preset.options).some(function (each) { return each.value === pattern; });
    preset.value = known ? pattern : "";
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
      askForRemarks(form);
      offerParents(form);
    }
  }

  function typed(event) {
    var form = formOf(event.target);
    var pattern = event.target.id === "id_pattern";
    if (form && (pattern || event.target.id === "id_timezone")) {
      if (pattern) { agree(form); }
      clearTimeout(timer);
      timer = setTimeout(askForRuns, PAUSE, form);
    }
  }

  function chosen(event) {
    var form = formOf(event.target);
    if (!form) { return; }
    if (event.target.id === "id_preset" && event.target.value) {
      form.querySelector("#id_pattern").value = event.target.value;
      askForRuns(form);
    } else if (event.target.id === "id_instance") {
      form.querySelector("#id_parent_id").value = "";
      offerParents(form);
    }
    askForRemarks(form);
  }

  // Horizon shows the fields that belong to a kind of backup only where it sees the kind.
  function unfolded(event) {
    if (event.target.matches("details.advanced") && event.target.open) {
      $(event.target).find("select.switchable").trigger("change");
    }
  }

  // A field that the browser refuses can't be seen while it is folded away.
  function refused(event) {
    var folded = event.target.closest("details.advanced");
    if (folded) { folded.open = true; }
  }

  document.addEventListener("input", typed);
  document.addEventListener("change", chosen);
  document.addEventListener("toggle", unfolded, true); // these two don't bubble
  document.addEventListener("invalid", refused, true);
  horizon.modals.addModalInitFunction(function (modal) { start($(modal)[0]); });
  horizon.addInitFunction(function () { start(document); });
})();
