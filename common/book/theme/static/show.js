// SPDX-License-Identifier: MIT
// `./pdc show`: puts the picture of each run in the place of the one before.
"use strict";

const showRuns = async () => {
  let shown = 0;
  for (;;) {
    try {
      const number = Number(await (await fetch(`next?${shown}`)).text());
      if (number > shown) {
        document.getElementById("pictures").innerHTML = await (await fetch("pictures")).text();
        shown = number;
      }
    } catch {
      return; // ./pdc show has ended; the last picture stays
    }
  }
};

document.addEventListener("DOMContentLoaded", showRuns);
