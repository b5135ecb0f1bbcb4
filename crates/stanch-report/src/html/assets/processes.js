// The tree of processes: who started whom, when, and what each left.

const processesView = (section) => {
  const processes = data.processes;
  const end = Math.max(1, ...processes.map((process) => process.started_ms + process.duration_ms));
  // A process id may be used again, and one process may run several programs: the parent is the last one before.
  const parentOf = (index) => {
    const own = processes[index];
    let parent = -1;
    processes.forEach((other, position) => {
      if (position === index) return;
      const isBefore = other.started_ms < own.started_ms || (other.started_ms === own.started_ms && position < index);
      if (isBefore && (other.pid === own.parent_pid || other.pid === own.pid) && (parent < 0 || other.pid === own.pid || processes[parent].pid !== own.pid)) parent = position;
    });
    return parent;
  };
  const SHOWN = 500;
  const shown = processes.slice(0, SHOWN).map((_, index) => index);
  const children = new Map();
  for (const index of shown) {
    const parent = parentOf(index);
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(index);
  }
  const rows = [];
  const add = (index, depth) => {
    const process = processes[index];
    const isExec = depth > 0 && processes[parentOf(index)]?.pid === process.pid;
    const lost = process.classes[0][0] + process.classes[1][0];
    rows.push(h("tr", { class: "plain", "data-process": index },
      h("td", { class: "where", style: { "padding-left": `${0.6 + Math.min(depth, 8) * 1.1}rem` } }, h("b", {}, process.name), isExec && h("span", { class: "muted" }, " by exec"), h("span", { class: "place" }, process.command.join(" ").slice(0, 300))),
      h("td", { "data-label": "life" }, `${durationText(process.duration_ms)}, from ${durationText(process.started_ms)} on`, h("div", { class: "life", "aria-hidden": "true" }, h("i", { style: { left: `${(100 * process.started_ms) / end}%`, width: `${(100 * process.duration_ms) / end}%` } })), h("span", { class: "muted" }, process.ending)),
      h("td", { class: "number", "data-label": "allocated" }, exactBytes(process.allocated_bytes, { "data-cell": "allocated_bytes" }), h("div", { class: "muted" }, exact(blocksText(process.allocations), process.allocations, "blocks", { "data-cell": "allocations" }))),
      h("td", { class: "number", "data-label": "peak" }, exactBytes(process.peak_bytes, { "data-cell": "peak_bytes" })),
      h("td", { class: "number", "data-label": "lost" }, exactBytes(lost, { "data-cell": "lost" })),
      h("td", { class: "number", "data-label": "findings" }, exactCount(process.findings, "findings", { "data-cell": "findings" }))));
    for (const child of children.get(index) ?? []) add(child, depth + 1);
  };
  for (const index of children.get(-1) ?? []) add(index, 0);
  section.append(h("h2", {}, "Processes"), h("div", { class: "card long" }, h("div", { class: "scroll" }, h("table", { class: "cards" },
    h("thead", {}, h("tr", {}, ["Process", "Life", "Allocated", "Most at one time", "Lost", "Findings"].map((name, index) => h("th", { class: index > 1 ? "number" : null, scope: "col" }, name)))),
    h("tbody", {}, rows)))));
  if (processes.length > SHOWN) section.append(h("p", { class: "note" }, `And ${grouped(processes.length - SHOWN)} more; \`--format json\` has a document for each.`));
};
