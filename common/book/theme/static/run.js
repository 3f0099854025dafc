// SPDX-License-Identifier: MIT
// The page's program, run from the page: where the program book_server serves the book, which says so by a cookie.
"use strict";

(() => {
  const program = document.currentScript.dataset.program;
  const mayRun = () => document.cookie.split("; ").includes(`runs_pdc_${location.port || 80}=1`);

  const make = (tag, fields = {}, ...inside) => {
    const made = Object.assign(document.createElement(tag), fields);
    made.append(...inside);
    return made;
  };

  const field = ({ name, meaning, default: preset, whole, lowest, highest }) =>
    make(
      "label",
      { title: `${meaning}: from ${lowest} to ${highest}` },
      make("code", {}, name === "ranks" ? "-np" : `--${name}`),
      make("input", { type: "number", name, defaultValue: preset, min: lowest, max: highest, step: whole ? 1 : "any" }),
      make("span", {}, meaning),
    );

  // What is left as it was is not said: the program knows it.
  const order = (form) =>
    new URLSearchParams(
      [...form.querySelectorAll("input")]
        .filter((input) => input.value !== "" && (input.name === "ranks" || input.value !== input.defaultValue))
        .map((input) => [input.name, input.value]),
    );

  const kindOf = (line) => (line.startsWith("[ok]") ? "ok" : line.includes("[failed]") ? "failed" : "");

  const say = (output, text) =>
    text.split(/(?<=\n)/).forEach((line) => output.append(make("span", { className: kindOf(line.trimEnd()) }, line)));

  const show = (picture, text) => {
    URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    picture.parentElement.hidden = false;
  };

  const endOf = ({ end, why }) => (why ? `${why}\n` : end === 0 ? "" : `status ${end}\n`);

  // Each line that comes is an event, as JSON.
  const follow = async (response, heard) => {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let unread = "";
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const lines = (unread + piece.value).split("\n");
      unread = lines.pop();
      lines.map((line) => JSON.parse(line)).forEach(heard);
    }
  };

  const run = async (form, output, picture, signal) => {
    output.textContent = "";
    output.hidden = false;
    picture.parentElement.hidden = true;
    const response = await fetch(`/run/${program}?${order(form)}`, { method: "POST", signal });
    if (!response.ok) {
      output.append(make("span", { className: "failed" }, await response.text()));
      return;
    }
    await follow(response, (event) => {
      if (event.out !== undefined) say(output, event.out);
      if (event.end !== undefined) output.append(make("span", { className: "failed" }, endOf(event)));
      if (event.picture) show(picture, event.picture);
    });
  };

  const build = (options) => {
    const start = make("button", { type: "submit" }, "Run");
    const stop = make("button", { type: "button", disabled: true }, "Stop");
    const form = make("form", {}, ...options.map(field), make("p", {}, start, " ", stop));
    const output = make("pre", { className: "console", tabIndex: 0, hidden: true });
    output.setAttribute("role", "log");
    const picture = make("img", { alt: "The picture of this run" });
    let running = null;
    stop.addEventListener("click", () => running.abort());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (running) return;
      running = new AbortController();
      [start.disabled, stop.disabled] = [true, false];
      try {
        await run(form, output, picture, running.signal);
      } catch (error) {
        output.append(make("span", { className: "failed" }, error.name === "AbortError" ? "stopped\n" : `${error.message}\n`));
      }
      running = null;
      [start.disabled, stop.disabled] = [false, true];
    });
    return make("section", { id: "run" }, make("h2", {}, "Run it here"), form, output, make("figure", { hidden: true }, picture));
  };

  document.addEventListener("DOMContentLoaded", async () => {
    if (!mayRun()) return;
    const response = await fetch(`/programs/${program}`);
    if (response.ok) document.querySelector("main .summary").after(build(await response.json()));
  });
})();
