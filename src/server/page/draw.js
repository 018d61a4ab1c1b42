// How the page shows what the endpoint tells: values in, elements out.
// Invariant: text from outside only ever becomes text nodes.

(() => {
  const eventsMax = 200;
  /** A problem that are shown with it. */
  const linesAround = 2;

  /** An element; `attributes` with a function are listeners. */
  function h(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value !== undefined && value !== false)
        element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat().filter((child) => child !== undefined && child !== ""));
    return element;
  }

  function table(columns, rows, key) {
    const cells = (row) =>
      row.map((cell, index) => {
        const isNumber = typeof cell === "number";
        const attributes = { "data-label": columns[index], class: isNumber ? "number" : undefined };
        return h("td", attributes, isNumber ? String(cell) : cell);
      });
    return h(
      "table",
      { class: "stacks", "aria-label": key },
      h("thead", {}, h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...cells(row)))),
    );
  }

  function age(time) {
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(time)) / 1000));
    if (Number.isNaN(seconds)) return "";
    if (seconds < 120) return `${seconds}s`;
    if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
    return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
  }

  const keyOf = ({ metadata }) => `${metadata.namespace}/${metadata.name}`;
  const statusesOf = ({ status }) => [
    ...(status.initContainerStatuses ?? []),
    ...(status.containerStatuses ?? []),
  ];
  const conditionOf = ({ status }, type) => status.conditions?.find((condition) => condition.type === type);

  /** As kubectl's STATUS, whether that is well, and the first thing that is said about why it is not. */
  function stateOf(pod) {
    const { status, metadata } = pod;
    const isReady = conditionOf(pod, "Ready")?.status === "True";
    const waiting = statusesOf(pod).find(({ state }) => state?.waiting !== undefined)?.state.waiting;
    const ended = statusesOf(pod).find(({ state }) => state?.terminated?.exitCode > 0)?.state.terminated;
    const text = metadata.deletionTimestamp
      ? "Terminating"
      : (status.reason ?? waiting?.reason ?? ended?.reason ?? status.phase);
    const isBusy = ["ContainerCreating", "PodInitializing", "Terminating", "Pending", "Running"].includes(
      text,
    );
    const kind = isReady || status.phase === "Succeeded" ? "good" : isBusy ? "busy" : "bad";
    const unmet = status.conditions?.find(
      ({ type, status: is }) => is === "False" && ["ManifestAccepted", "UpToDate", "Ready"].includes(type),
    );
    const why =
      status.message ?? waiting?.message ?? ended?.message ?? (isReady ? undefined : unmet?.message);
    return { text, kind, why: why ?? "" };
  }

  function stateBadge(state) {
    return h("span", { class: `state ${state.kind}` }, state.text);
  }

  function podsView(pods) {
    const all = [...pods].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    if (all.length === 0) return [h("h2", {}, "Pods"), h("p", { class: "empty" }, "No pods.")];
    const rows = all.map((pod) => {
      const statuses = pod.status.containerStatuses ?? [];
      const state = stateOf(pod);
      return [
        h("a", { href: `#/pods/${keyOf(pod)}` }, pod.metadata.name),
        pod.metadata.namespace,
        `${statuses.filter(({ ready }) => ready).length}/${pod.spec.containers.length}`,
        stateBadge(state),
        Math.max(0, ...statuses.map(({ restartCount }) => restartCount)),
        h("time", { datetime: pod.status.startTime }, age(pod.status.startTime)),
        h("span", { class: "why" }, state.why),
      ];
    });
    const columns = ["Name", "Namespace", "Ready", "Status", "Restarts", "Age", "Why"];
    return [h("h2", {}, "Pods"), table(columns, rows, "Pods")];
  }

  function podView(key, pod, events) {
    const back = h("p", {}, h("a", { href: "#/pods" }, "← All pods"));
    if (pod === undefined) return [back, h("p", { class: "empty" }, `There is no pod ${key}.`)];
    return [
      back,
      h("h2", {}, `${key} `, stateBadge(stateOf(pod))),
      h("div", { id: "explain" }),
      h("h3", {}, "Containers"),
      table(
        ["Name", "State", "Ready", "Restarts", "Image", "Last end"],
        statusesOf(pod).map(containerRow),
        "Containers",
      ),
      h("h3", {}, "Conditions"),
      table(
        ["Type", "Status", "Since", "Why"],
        (pod.status.conditions ?? []).map(conditionRow),
        "Conditions",
      ),
      h("h3", {}, "Events"),
      eventTable(
        events.filter((event) => keyOf({ metadata: event.involvedObject }) === key),
        eventColumns.filter((name) => name !== "Object"),
      ),
    ];
  }

  function containerRow({ name, state = {}, ready, restartCount, image, lastState }) {
    const [kind = "", detail = {}] = Object.entries(state)[0] ?? [];
    const last = lastState?.terminated;
    const end = last && `${last.reason} (${last.exitCode}) ${last.message ?? ""} ${age(last.finishedAt)} ago`;
    const text = [kind, detail.reason, detail.exitCode, detail.message].filter((part) => part !== undefined);
    return [name, text.join(" "), ready ? "yes" : "no", restartCount, image, end ?? ""];
  }

  function conditionRow({ type, status, lastTransitionTime, reason, message }) {
    return [type, status, age(lastTransitionTime), [reason, message].filter(Boolean).join(": ")];
  }

  const eventColumns = ["Last seen", "Reason", "Object", "Message", "Count"];

  function eventTable(list, columns = eventColumns) {
    if (list.length === 0) return h("p", { class: "empty" }, "No events.");
    const rows = list
      .toSorted((a, b) => (a.lastTimestamp < b.lastTimestamp ? 1 : -1))
      .slice(0, eventsMax)
      .map(({ lastTimestamp, type, reason, involvedObject, message, count }) => {
        const cells = {
          "Last seen": age(lastTimestamp),
          Reason: h("span", { class: `state ${type === "Warning" ? "bad" : "good"}` }, reason),
          Object: [involvedObject.namespace, involvedObject.name].filter(Boolean).join("/"),
          Message: message,
          Count: count ?? 1,
        };
        return columns.map((name) => cells[name]);
      });
    return table(columns, rows, "Events");
  }

  function manifestsView(manifests) {
    const files = [...manifests.files].sort(
      (a, b) => Number(b.state === "rejected") - Number(a.state === "rejected"),
    );
    return [
      h("h2", {}, `Manifests in ${manifests.path ?? ""}`),
      manifests.unreadable === undefined ? undefined : h("p", { class: "state bad" }, manifests.unreadable),
      files.length === 0 ? h("p", { class: "empty" }, "No files.") : undefined,
      ...files.map((file) => [
        h("h3", { class: "file" }, file.path),
        h("span", { class: `state ${file.state === "rejected" ? "bad" : "good"}` }, file.state),
        file.state === "accepted" ? ` ${file.pods.join(", ")}` : "",
        file.state === "skipped" ? ` ${file.reason}` : "",
        ...(file.problems ?? []).map((problem) => problemView(problem, file.excerpt)),
      ]),
    ];
  }

  /** The problem, and the lines around it with its own marked. */
  function problemView({ text, line }, excerpt) {
    const near = excerpt.filter((one) => Math.abs(one.line - line) <= linesAround);
    const lines = near.map((one) => {
      const shown = `${String(one.line).padStart(5)}  ${one.text}\n`;
      return one.line === line ? h("mark", {}, shown) : shown;
    });
    return h(
      "div",
      { class: "problem" },
      h("p", {}, text),
      lines.length > 0 ? h("pre", {}, ...lines) : undefined,
    );
  }

  function eventsView(events) {
    return [h("h2", {}, "Events"), eventTable(events)];
  }

  /** The chain of causes, as the server explains it; nothing where there is none. */
  function causesView(steps) {
    const items = steps.map(({ reason, message, hint, logLines = [] }) =>
      h(
        "li",
        {},
        h("strong", {}, reason),
        ` ${message}`,
        logLines.length > 0 ? h("pre", {}, logLines.join("\n")) : "",
        hint ? h("div", { class: "why" }, hint) : "",
      ),
    );
    return items.length > 0 ? [h("ol", { class: "causes", "aria-label": "Why" }, ...items)] : [];
  }

  self.draw = { h, keyOf, statusesOf, podsView, podView, eventsView, manifestsView, causesView };
})();
