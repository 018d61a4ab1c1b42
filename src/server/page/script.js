// The page of a browser: what the endpoint tells, as it changes.
// Invariant: nothing is asked of anywhere but the server that the page is from.

const { h, keyOf, statusesOf, podsView, podView, eventsView, manifestsView, causesView } = self.draw;

/** Lines of a log that are kept on the page. */
const logLinesMax = 2000;
const pods = new Map();
const events = new Map();
let manifests = { files: [] };
/** The reading of the log that is shown; undefined: none is. */
let log;

const byId = (id) => document.getElementById(id);
const main = byId("main");

/** Once for each pod that is looked at: no redraw touches it, so that it keeps its place and the focus. */
function logView(key) {
  const names = statusesOf(pods.get(key)).map(({ name }) => name);
  const select = h(
    "select",
    { id: "container", change: () => readLog(key) },
    ...names.map((name) => h("option", {}, name)),
  );
  select.value = pods.get(key).spec.containers[0]?.name;
  return h(
    "section",
    { id: "log", "aria-label": "Log" },
    h("h3", {}, "Log"),
    h(
      "div",
      { class: "controls" },
      h("label", {}, "Container ", select),
      h(
        "label",
        {},
        h("input", { id: "previous", type: "checkbox", change: () => readLog(key) }),
        " before its last restart",
      ),
    ),
    h("pre", { class: "log", id: "lines", tabindex: "0", "aria-label": "Log lines" }),
  );
}

async function readLog(key) {
  log?.end.abort();
  const reading = { key, end: new AbortController(), lineCount: 0, isCut: false, isRefused: false };
  log = reading;
  const { signal } = reading.end;
  const lines = byId("lines");
  lines.replaceChildren();
  const isPrevious = byId("previous").checked;
  const query = new URLSearchParams({ container: byId("container").value, tailLines: "200" });
  for (const name of isPrevious ? ["previous"] : ["follow", "allRevisions"]) query.set(name, "true");
  try {
    const answer = await fetch(`/pods/${key}/logs?${query}`, { signal });
    if (answer.ok)
      for await (const text of answer.body.pipeThrough(new TextDecoderStream()))
        appendLines(lines, text, reading);
    else lines.append((await answer.json()).detail);
    reading.isRefused = !answer.ok && !isPrevious; // as by an agent that has just started
    reading.isCut = !isPrevious;
  } catch (error) {
    reading.isCut = true;
    if (!signal.aborted) lines.append(`\n(${error.message})`);
  }
}

const newlinesIn = (text) => text.split("\n").length - 1;

/** As many pieces are kept as have the last lines in them, and of a piece only those. */
function appendLines(lines, text, reading) {
  const isAtEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 8;
  const kept = text.split("\n").slice(-logLinesMax - 1);
  lines.append(kept.join("\n"));
  reading.lineCount += kept.length - 1;
  for (let first = lines.firstChild; ; first = lines.firstChild) {
    const left = reading.lineCount - newlinesIn(first.data);
    if (left < logLinesMax) break;
    reading.lineCount = left;
    first.remove();
  }
  if (isAtEnd) lines.scrollTop = lines.scrollHeight;
}

async function explain(key) {
  const answer = await fetch(`/pods/${key}/explain`, { headers: { Accept: "application/json" } });
  const place = byId("explain");
  if (!answer.ok || place === null || location.hash !== `#/pods/${key}`) return;
  const { steps } = await answer.json();
  place.replaceChildren(...causesView(steps));
}

const route = () => location.hash.replace(/^#/, "") || "/pods";
const podOfRoute = () => /^\/pods\/([^/]+\/[^/]+)$/.exec(route())?.[1];

let shownRoute;
/** Draws what has changed; what has the focus keeps it. */
function render() {
  const key = podOfRoute();
  const focused = document.activeElement?.getAttribute("href");
  const isNew = shownRoute !== route();
  shownRoute = route();
  for (const link of document.querySelectorAll("nav a")) {
    if (route().startsWith(link.getAttribute("href").slice(1))) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const rejected = manifests.files.filter(({ state }) => state === "rejected").length;
  byId("pods-count").textContent = String(pods.size);
  byId("manifests-count").textContent = rejected > 0 ? `${rejected} rejected` : "";
  byId("manifests-count").className = `count ${rejected > 0 ? "bad" : ""}`;
  const causes = isNew ? [] : [...(byId("explain")?.childNodes ?? [])];
  byId("view").replaceChildren(
    ...viewOf(key)
      .flat(2)
      .filter((child) => child !== undefined),
  );
  byId("explain")?.append(...causes);
  if (isNew) {
    log?.end.abort();
    log = undefined;
    byId("pod-log").replaceChildren();
  }
  if (log === undefined && key !== undefined && pods.has(key)) {
    byId("pod-log").append(logView(key));
    readLog(key);
  } else if (log?.isRefused) readLog(log.key);
  if (pods.has(key)) explain(key);
  if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function viewOf(key) {
  const allEvents = [...events.values()];
  if (key !== undefined) return podView(key, pods.get(key), allEvents);
  if (route() === "/events") return eventsView(allEvents);
  return route() === "/manifests" ? manifestsView(manifests) : podsView(pods.values());
}

let isDue = false;
/** Many changes at once are drawn once. */
function renderSoon() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    render();
  });
}

async function readManifests() {
  const answer = await fetch("/manifests");
  if (answer.ok) manifests = await answer.json();
  renderSoon();
}

/**
 * Keeps `objects` as the server has them, from `open` to `close`; the browser connects again by itself, from where it was.
 */
function watch(path, objects, onChange) {
  let source;
  const put = ({ data }) => {
    const object = JSON.parse(data);
    objects.set(keyOf(object), object);
    onChange();
  };
  const open = () => {
    let isFirst = true;
    source = new EventSource(path);
    source.addEventListener("added", put);
    source.addEventListener("modified", put);
    source.addEventListener("deleted", ({ data }) => {
      objects.delete(keyOf(JSON.parse(data)));
      onChange();
    });
    source.addEventListener("reset", () => objects.clear());
    source.addEventListener("open", () => {
      if (isFirst) objects.clear(); // what is told now is all that there is
      isFirst = false;
      tellLink("live", true);
      if (log?.isCut) readLog(log.key);
    });
    source.addEventListener("error", () => tellLink("no connection to the agent; trying again …", false));
  };
  return { open, close: () => source?.close() };
}

function tellLink(text, isGood) {
  byId("link").textContent = text;
  byId("link").className = isGood ? "" : "bad";
}

const watches = [
  watch("/pods", pods, renderSoon),
  watch("/events", events, () => {
    renderSoon();
    readManifestsSoon();
  }),
];

/** A browser has six connections to a host, for all its tabs: one that nobody looks at holds none. */
function followWhileShown() {
  for (const { open, close } of watches) {
    close();
    if (!document.hidden) open();
  }
  if (document.hidden) log?.end.abort();
}
document.addEventListener("visibilitychange", followWhileShown);

let manifestTimer;
function readManifestsSoon() {
  clearTimeout(manifestTimer);
  manifestTimer = setTimeout(readManifests, 200);
}
addEventListener("hashchange", () => {
  render();
  main.focus();
});
setInterval(renderSoon, 10_000); // ages
followWhileShown();
readManifests();
