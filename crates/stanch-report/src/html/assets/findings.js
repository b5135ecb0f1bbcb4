// The table of findings.

/** Set by the view once it is built: opens the finding with this number. */
let showFinding = null;

const openFinding = async (index) => {
  await openView("findings");
  showFinding?.(index);
};

const findingsView = async (section) => {
  const table = new Columns(await chunk(data.findings.rows));
  const bytes = (index) => table.value("bytes", index);
  const blocks = (index) => table.value("blocks", index);
  const processName = (index) => data.processes[table.value("process", index)]?.name ?? "";
  const columns = [
    { name: "kind", label: "Kind", key: (index) => kinds.get(table.text("kind", index)).title, cell: (index) => h("td", {}, kindLabel(table.text("kind", index))) },
    { name: "bytes", label: "Bytes", isNumber: true, key: (index) => bytes(index) + table.value("indirect_bytes", index), cell: (index) => {
      const extra = table.value("indirect_bytes", index);
      return h("td", { class: "number" }, exactBytes(bytes(index), { "data-cell": "bytes" }), extra > 0 && h("div", { class: "muted", title: "held only by these blocks" }, "+ ", exactBytes(extra)));
    } },
    { name: "blocks", label: "Blocks", isNumber: true, key: blocks, cell: (index) => h("td", { class: "number" }, exact(blocksText(blocks(index)), blocks(index), "blocks", { "data-cell": "blocks" })) },
    { name: "where", label: "Where", key: (index) => table.text("function", index), cell: (index) => table.where(index) },
    { name: "owner", label: "Whose", key: (index) => table.text("owner", index), cell: (index) => table.owner(index) },
    manyProcesses && { name: "process", label: "Process", key: (index) => table.value("process", index), cell: (index) => h("td", { "data-label": "process" }, processName(index)) },
  ].filter(Boolean);
  const processes = [...new Set(table.packed.process)].sort((one, other) => one - other).map((process) => [process, data.processes[process]?.name ?? process]);
  section.append(h("h2", {}, "Findings"));
  showFinding = listing(section, {
    table, columns, one: "finding", many: "findings", empty: "There are no findings.",
    filters: [textFilter(table, "kind", "Kind", (kind) => kinds.get(kind).title), textFilter(table, "owner", "Owner"), textFilter(table, "module", "Module", shortPath),
      { column: "process", label: "Process", options: processes, passes: (index, wanted) => table.value("process", index) === Number(wanted) }],
    sum: (order) => {
      const [sum, count] = [bytes, blocks].map((of) => order.reduce((sum, index) => sum + of(index), 0));
      return exact(amountText(sum, count), sum, "bytes", { "data-sum": "bytes" });
    },
    details: data.findings.details,
  });
  section.append(h("p", { class: "note", hidden: data.findings.left_out.length === 0 }, `Too many for a page: ${data.findings.left_out.map(([kind, findings, bytes, blocks]) =>
    `${plural(findings, "more finding", "more findings")} that are ${kinds.get(kind).title}, ${amountText(bytes, blocks)}`).join("; ")}. \`--format json\` has all of them.`));
};
