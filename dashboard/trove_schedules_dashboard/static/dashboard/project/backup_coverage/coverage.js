// SPDX-License-Identifier: Apache-2.0
// The page is there at once. What protects each instance takes longer, and is put in when it is known.
(function () {
  "use strict";

  function start() {
    var place = document.getElementById("backup_coverage");
    if (!place) { return; }
    fetch(place.dataset.url, {headers: {"X-Requested-With": "XMLHttpRequest"}})
      .then(function (response) {
        if (!response.ok) { throw new Error(response.statusText); }
        return response.text();
      })
      .then(function (html) { place.innerHTML = html; })
      .catch(function () {
        place.textContent = place.dataset.failure;
        place.classList.add("text-danger");
      });
  }

  horizon.addInitFunction(start);
})();
