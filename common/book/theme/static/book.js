// SPDX-License-Identifier: MIT
// The book's own script: light and dark, large pictures, the lines that show a term. Search and the keys for the next and
// the previous page are Sphinx's.
"use strict";

const remembered = () => {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // a browser that keeps nothing for pages that are files
  }
};

const setTheme = (theme) => {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // then it lasts as long as the page
  }
};

if (remembered()) document.documentElement.dataset.theme = remembered();

const isDark = () =>
  (document.documentElement.dataset.theme ||
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

const switchTheme = () => setTheme(isDark() ? "light" : "dark");

const enlarge = (figure) => {
  const isLarge = figure.classList.toggle("large");
  const button = figure.querySelector(".enlarge");
  button.textContent = isLarge ? "Close" : "Enlarge";
  button.focus();
};

const closeLarge = () => document.querySelectorAll("figure.large").forEach(enlarge);

// The picture that is large already, or the first that is in sight, or the first.
const currentPicture = () => {
  const pictures = [...document.querySelectorAll("figure.picture")];
  const inSight = pictures.find((each) => {
    const { top, bottom } = each.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  });
  return document.querySelector("figure.large") || inSight || pictures[0];
};

const toggleFullScreen = () => {
  if (document.fullscreenElement) {
    document.exitFullscreen();
  } else {
    const picture = currentPicture();
    picture?.requestFullscreen().catch(() => enlarge(picture)); // where the browser does not allow it
  }
};

const linesOf = (term) => term.dataset.lines.split(" ").map((id) => document.getElementById(id)).filter(Boolean);

const mark = (term, isMarked) => linesOf(term).forEach((line) => line.classList.toggle("marked", isMarked));

const keepMarked = (term) => {
  const isKept = term.getAttribute("aria-pressed") === "true";
  document.querySelectorAll(".term[aria-pressed=true]").forEach((other) => {
    other.setAttribute("aria-pressed", "false");
    mark(other, false);
  });
  if (isKept) return;
  term.setAttribute("aria-pressed", "true");
  mark(term, true);
  linesOf(term)[0]?.scrollIntoView({ block: "center" });
};

const unmark = (term) => {
  mark(term, false);
  document.querySelectorAll(".term[aria-pressed=true]").forEach((kept) => mark(kept, true));
};

document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("theme")?.addEventListener("click", switchTheme);
  document.querySelectorAll("figure.picture").forEach((figure) => {
    figure.addEventListener("click", () => enlarge(figure));
  });
  document.querySelectorAll(".term").forEach((term) => {
    term.setAttribute("aria-pressed", "false");
    for (const event of ["mouseenter", "focus"]) term.addEventListener(event, () => mark(term, true));
    for (const event of ["mouseleave", "blur"]) term.addEventListener(event, () => unmark(term));
    term.addEventListener("click", () => keepMarked(term));
  });
  document.querySelector(".menu")?.addEventListener("toggle", (event) => {
    if (event.target.open) event.target.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  });
});

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, textarea, select")) return;
  if (event.key === "Escape") closeLarge();
  if (event.key === "f") toggleFullScreen();
  if (event.key === "d") switchTheme();
});
