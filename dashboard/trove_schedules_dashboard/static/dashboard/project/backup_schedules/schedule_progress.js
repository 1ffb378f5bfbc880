// SPDX-License-Identifier: Apache-2.0
// The page of a schedule shows how far a run or a drill is, and is loaded anew when that has ended.
(function () {
  "use strict";

  var PAUSE = 5000; // milliseconds between two questions

  function show(place, answer) {
    if (answer.ended) {
      window.location.reload();
      return;
    }
    // A service that is busy may answer the next time.
    if (answer.told) {
      place.querySelector("span").textContent = answer.told;
      var bar = place.querySelector("progress");
      if (bar.hasAttribute("max")) { bar.value = answer.seconds; }
    }
    setTimeout(ask, PAUSE, place);
  }

  function ask(place) {
    fetch(place.dataset.url, {headers: {"X-Requested-With": "XMLHttpRequest"}})
      .then(function (response) { return response.json(); })
      .catch(function () { return {}; })
      .then(function (answer) { show(place, answer); });
  }

  horizon.addInitFunction(function () {
    document.querySelectorAll(".schedule-progress").forEach(function (place) {
      setTimeout(ask, PAUSE, place);
    });
  });
})();
