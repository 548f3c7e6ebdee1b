"use strict";
// What the page does by itself: views, one layer's page, and the text of the IR behind each pass.
(() => {
  const CONTEXT = 3; // lines of unchanged text around a change
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const json = (id) => JSON.parse(document.getElementById(id).textContent);
  const made = (name, properties = {}) => Object.assign(document.createElement(name), properties);

  // --- views: a picture is drawn when it is first seen ---
  const pictures = json("pictures");
  const drawn = new Set();

  function draw(view) {
    for (const place of all("[data-picture]", view)) {
      if (drawn.has(place.id)) continue;
      drawn.add(place.id);
      Bokeh.embed.embed_item(pictures[place.id], place.id);
    }
  }

  function showView(name) {
    const view = document.getElementById(`view-${name}`);
    if (!view) return;
    for (const section of all("main > section")) section.hidden = section !== view;
    for (const button of all("nav button")) button.setAttribute("aria-selected", String(button.dataset.view === name));
    draw(view);
    if (name === "passes") passes.open();
    window.scrollTo(0, 0);
    history.replaceState(null, "", `#${name}`);
  }

  // --- one layer ---
  const drawer = one("aside");

  function showLayer(node) {
    const found = all("aside article").filter((article) => article.dataset.node === node);
    if (!found.length) return;
    for (const article of all("aside article")) article.hidden = article !== found[0];
    drawer.hidden = false;
    drawer.scrollTop = 0;
  }

  // --- the IR behind each pass ---
  const passes = (() => {
    const place = document.getElementById("packed-passes");
    let steps = null;
    let current = 0;

    async function unpack() {
      const bytes = Uint8Array.from(atob(place.textContent.trim()), (c) => c.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      return JSON.parse(await new Response(stream).text());
    }

    function line(kind, sign, text, other) {
      const element = made("div", { className: kind });
      element.textContent = sign + text;
      if (other === undefined) return element;
      let head = 0;
      while (head < text.length && head < other.length && text[head] === other[head]) head += 1;
      let tail = 0;
      const most = Math.min(text.length, other.length) - head;
      while (tail < most && text[text.length - 1 - tail] === other[other.length - 1 - tail]) tail += 1;
      // lines that have little in common are not one line that was changed
      if (2 * (head + tail) < Math.max(text.length, other.length)) return element;
      const changed = made("mark", { textContent: text.slice(head, text.length - tail) });
      element.replaceChildren(sign + text.slice(0, head), changed, text.slice(text.length - tail));
      return element;
    }

    // The rows of a step: unchanged ones with a distance to the next change, so that far ones can be folded.
    function rows(step, before, whole) {
      const result = [];
      const same = (from, to) => {
        for (let i = from; i < to; i += 1) result.push({ kind: "same", text: step.lines[i] });
      };
      if (whole) {
        same(0, step.lines.length);
        return result;
      }
      let at = 0;
      for (const [a, b, c, d] of step.parts) {
        same(at, c);
        const pairs = b - a === d - c;
        for (let i = a; i < b; i += 1) {
          result.push({ kind: "gone", text: before.lines[i], other: pairs ? step.lines[c + i - a] : undefined });
        }
        for (let i = c; i < d; i += 1) {
          result.push({ kind: "new", text: step.lines[i], other: pairs ? before.lines[a + i - c] : undefined });
        }
        at = d;
      }
      same(at, step.lines.length);
      return result;
    }

    function shown(row) {
      return line(row.kind, { gone: "- ", new: "+ ", same: "  " }[row.kind], row.text, row.other);
    }

    // Unchanged lines far from any change become one line that opens them.
    function folded(found) {
      const near = new Array(found.length).fill(false);
      found.forEach((row, index) => {
        if (row.kind === "same") return;
        for (let i = Math.max(0, index - CONTEXT); i <= Math.min(found.length - 1, index + CONTEXT); i += 1) near[i] = true;
      });
      const elements = [];
      for (let index = 0; index < found.length; ) {
        if (near[index]) {
          elements.push(shown(found[index]));
          index += 1;
          continue;
        }
        let last = index;
        while (last < found.length && !near[last]) last += 1;
        const hiddenRows = found.slice(index, last);
        const fold = made("div", { className: "fold", textContent: `  … ${hiddenRows.length} unchanged lines` });
        fold.addEventListener("click", () => fold.replaceWith(...hiddenRows.map(shown)));
        elements.push(fold);
        index = last;
      }
      return elements;
    }

    // Names of locations have no dots: layer1_conv stands for layer1.conv.
    const plain = (text) => text.replace(/[^A-Za-z0-9]/g, "_");

    function render() {
      const step = steps[current];
      const whole = current === 0 || one("#whole").checked;
      const wanted = plain(one("#filter").value.trim());
      const found = rows(step, steps[current - 1], whole);
      const kept = wanted ? found.filter((row) => plain(row.text).includes(wanted)) : found;
      const elements = whole || wanted ? kept.map(shown) : folded(kept);
      one("#view-passes .text").replaceChildren(...elements);
      all("#view-passes .list button").forEach((button, index) => {
        button.setAttribute("aria-selected", String(index === current));
      });
    }

    function choose(index) {
      current = index;
      render();
    }

    async function open(filter) {
      if (!place) return;
      if (steps === null) {
        steps = await unpack();
        all("#view-passes .list button").forEach((button, index) => button.addEventListener("click", () => choose(index)));
        one("#filter").addEventListener("input", render);
        one("#whole").addEventListener("change", render);
      }
      if (filter !== undefined) one("#filter").value = filter;
      render();
    }
    return { open };
  })();

  // --- wiring ---
  for (const button of all("nav button")) button.addEventListener("click", () => showView(button.dataset.view));
  for (const button of all("button[data-layer]")) button.addEventListener("click", () => showLayer(button.dataset.layer));
  for (const button of all("button[data-filter]")) {
    button.addEventListener("click", () => {
      drawer.hidden = true;
      showView("passes");
      passes.open(button.dataset.filter);
    });
  }
  one("aside .close").addEventListener("click", () => { drawer.hidden = true; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") drawer.hidden = true; });
  window.pqc = { showLayer, showView };
  showView(location.hash.slice(1));
  if (all("main > section").every((section) => section.hidden)) showView("overview");
})();
