// The first view: how much of what, where to begin, and what could not be seen.

const classWords = [
  ["definitely_lost", "definitely lost", "bad"], ["indirectly_lost", "indirectly lost", "bad"],
  ["possibly_lost", "possibly lost", "doubtful"], ["live", "live, not decided", "doubtful"],
  ["still_reachable", "still reachable", "plain"],
];

const manyProcesses = data.processes.length > 1;

const summaryView = (section) => {
  const tiles = classWords
    .filter(([name]) => name !== "live" || data.totals.live?.[1] > 0)
    .map(([name, label, tone]) => {
      const [bytes, blocks] = data.totals[name] ?? [0, 0];
      return h("div", { class: `tile ${blocks > 0 ? tone : ""}`, "data-total": name },
        h("span", { class: "label" }, label), h("b", {}, exactBytes(bytes)),
        h("span", { class: "muted" }, exact(blocksText(blocks), blocks, "blocks")));
    });
  const [allocated, allocations] = data.totals.allocated ?? [0, 0];
  tiles.push(
    h("div", { class: "tile", "data-total": "allocated" }, h("span", { class: "label" }, "allocated in all"),
      h("b", {}, exactBytes(allocated)), h("span", { class: "muted" }, exact(blocksText(allocations), allocations, "blocks"))),
    h("div", { class: "tile", "data-total": "peak" },
      h("span", { class: "label" }, manyProcesses ? "most at one time, in one process" : "most at one time"),
      h("b", {}, exactBytes(data.peak_bytes)), h("span", { class: "muted" }, "from malloc and its like")),
  );
  section.append(h("h2", { class: "sr" }, "Summary"), h("div", { class: tiles.length > 6 ? "tiles many" : "tiles" }, tiles), shareCard(), firstCard(), h("div", { class: "two" }, factsCard(), unseenCard()));
};

/** What was live at the end, by class. */
const shareCard = () => {
  const parts = classWords.map(([name, label]) => [label, ...(data.totals[name] ?? [0, 0])]).filter(([, bytes]) => bytes > 0);
  const total = parts.reduce((sum, [, bytes]) => sum + bytes, 0);
  if (total === 0) return null;
  const colors = () => ["definitely lost", "indirectly lost", "possibly lost", "live, not decided", "still reachable"]
    .map((label, index) => [label, isDark() ? ["#e8675d", "#c98a7e", "#e0a84a", "#8f9bd8", "#5d8f76"][index] : ["#b3261e", "#d98880", "#d39a2d", "#7480c4", "#7fb096"][index]]);
  const bar = h("div", { class: "share", role: "img", "aria-label": parts.map(([label, bytes]) => `${label} ${percentText(bytes, total)}`).join(", ") });
  const legend = h("ul", { class: "legend" });
  const draw = () => {
    const color = new Map(colors());
    bar.replaceChildren(...parts.map(([label, bytes]) => h("i", { title: `${label}: ${bytesText(bytes)}`, style: { flex: `${bytes} 1 0`, background: color.get(label) } })));
    legend.replaceChildren(...parts.map(([label, bytes]) => h("li", {}, h("i", { style: { background: color.get(label) } }), `${label} ${percentText(bytes, total)}`)));
  };
  draw();
  whenRedrawn(draw);
  return h("div", { class: "card" }, h("h3", {}, "What was not freed: ", exactBytes(total)), bar, legend);
};

const firstCard = () => {
  const first = data.findings.first;
  if (first.length === 0) {
    return h("div", { class: "card" }, h("h3", {}, "Findings"), h("p", { class: "empty" }, "There are none."));
  }
  const row = (finding, index) =>
    h("li", {}, h("button", { type: "button", class: "first", onclick: () => openFinding(index) },
      h("span", {}, kindLabel(finding.kind)),
      h("span", { class: "number" }, bytesText(finding.bytes + finding.indirect_bytes)),
      h("span", { class: "where" }, h("b", {}, finding.function), h("span", { class: "place" }, `${finding.place}${finding.place ? " · " : ""}${finding.owner}`))));
  return h("div", { class: "card" }, h("h3", {}, "Look at these first"),
    h("ol", { class: "list" }, first.map(row)),
    data.findings.count > first.length && h("p", { class: "more" }, h("button", { type: "button", onclick: () => openView("findings") }, `All ${grouped(data.findings.count)} findings`)));
};

const factsCard = () => {
  const started = new Date(data.started_unix_ms);
  const longest = Math.max(0, ...data.processes.map((process) => process.started_ms + process.duration_ms));
  const facts = [
    ["Command", h("code", {}, data.command.join(" "))],
    ["Started", data.started_unix_ms ? `${started.toISOString().replace("T", " ").slice(0, 19)} UTC` : "not known"],
    ["Watched", durationText(longest)],
    ["Processes", h("span", { "data-count": "processes", "data-value": data.processes.length }, grouped(data.processes.length))],
    data.processes.length === 1 && ["Ending", data.processes[0].ending],
    ["Stanch", data.tool_version],
    data.sampling && ["Sampled", h("span", { "data-fact": "sampling" }, data.sampling)],
    data.is_redacted && ["Withheld", "paths, command arguments and source text (--redact)"],
  ].filter(Boolean);
  return h("div", { class: "card" }, h("h3", {}, "The recording"), h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
};

const unseenCard = () => {
  const count = data.unseen.length + data.unseen_left_out;
  return h("div", { class: "card" }, h("h3", {}, "Not seen"),
    count === 0
      ? h("p", {}, "Nothing was missed: every process was checked, and every stack has names.")
      : [h("p", {}, plural(count, "reason why something was not seen:", "reasons why something was not seen:")),
         h("ul", {}, data.unseen.slice(0, 3).map((gap) => h("li", {}, prose(`${gap.what.slice(0, 2).map(([what]) => what).join(", ")}${gap.what.length > 2 ? `, and ${gap.what.length - 2} more` : ""}: ${gap.why}`)))),
         h("p", { class: "more" }, h("button", { type: "button", onclick: () => openView("unseen") }, "All of it"))]);
};

const unseenView = (section) => {
  section.append(h("h2", {}, "What could not be seen, and what was suppressed"));
  if (data.unseen.length === 0) section.append(h("div", { class: "card empty" }, "Nothing was missed: every process was checked, and every stack has names."));
  else section.append(h("p", { class: "note" }, "A gap can hide leaks, or let a block be called lost that is not. Names that are missing only make stacks harder to read."), ...data.unseen.map(gapCard));
  if (data.unseen_left_out > 0) section.append(h("p", { class: "note" }, `And ${data.unseen_left_out} more reasons; \`--format json\` has all of them.`));
  if (data.suppressed.length > 0) {
    section.append(h("div", { class: "card" }, h("h3", {}, "Suppressions that matched"), h("div", { class: "scroll" }, h("table", {},
      h("thead", {}, h("tr", {}, ["Suppression", "Where it stands", "Reason", "Findings", "Bytes"].map((name, index) => h("th", { class: index > 2 ? "number" : null }, name)))),
      h("tbody", {}, data.suppressed.map((one) => h("tr", {}, h("td", {}, one.name), h("td", {}, one.origin),
        h("td", {}, one.expired ? `ended on ${one.expired}; it takes out nothing any more` : one.reason ?? "none given"),
        h("td", { class: "number" }, exactCount(one.findings, "findings")), h("td", { class: "number" }, exactBytes(one.bytes)))))))));
  }
};
