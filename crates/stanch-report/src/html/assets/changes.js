// The table of what is new, gone, grown, shrunk.

/** Set by the view once it is built: opens the change with this number. */
let showChange = null;

const openChange = async (index) => {
  await openView("changes");
  showChange?.(index);
};

const categories = new Map(data.categories.map((category) => [category.category, category]));
const changeLabel = (change, tone) => h("span", { class: `kind ${tone}`, title: categories.get(change).meaning }, change);

const changesView = async (section) => {
  const table = new Columns(await chunk(data.changes.rows));
  const amounts = (side, index) => [table.value(`${side}_bytes`, index) ?? 0, table.value(`${side}_blocks`, index) ?? 0];
  const difference = (index) => {
    const [old, now] = ["old", "new"].map((side) => amounts(side, index));
    return now.map((value, unit) => value - old[unit]);
  };
  const cell = (side) => (index) => {
    if (table.value(`${side}_bytes`, index) === null) return h("td", { class: "number muted", "data-label": side }, "–");
    const [bytes, blocks] = amounts(side, index);
    return h("td", { class: "number", "data-label": side }, exactBytes(bytes, { "data-cell": `${side}_bytes` }), h("div", { class: "muted" }, exact(blocksText(blocks), blocks, "blocks", { "data-cell": `${side}_blocks` })));
  };
  const columns = [
    { name: "change", label: "Change", key: (index) => table.text("change", index), cell: (index) => h("td", {}, changeLabel(table.text("change", index), table.text("tone", index))) },
    { name: "kind", label: "Kind", key: (index) => kinds.get(table.text("kind", index)).title, cell: (index) => {
      const was = table.text("was", index);
      return h("td", {}, kindLabel(table.text("kind", index)), was !== "" && h("div", { class: "muted" }, `was ${kinds.get(was).title}`));
    } },
    { name: "difference", label: "Difference", isNumber: true, key: (index) => difference(index)[0], cell: (index) => {
      const [bytes, blocks] = difference(index);
      return h("td", { class: `number ${table.text("tone", index)}`, "data-label": "difference" }, signedExact(bytes, bytesText, "bytes", { "data-cell": "difference" }), h("div", { class: "muted" }, signedExact(blocks, blocksText, "blocks")));
    } },
    { name: "old", label: "Old", isNumber: true, key: (index) => amounts("old", index)[0], cell: cell("old") },
    { name: "new", label: "New", isNumber: true, key: (index) => amounts("new", index)[0], cell: cell("new") },
    { name: "where", label: "Where", key: (index) => table.text("function", index), cell: (index) => table.where(index) },
    { name: "owner", label: "Whose", key: (index) => table.text("owner", index), cell: (index) => table.owner(index) },
  ];
  const { min_bytes: bytes, min_percent: percent } = data.thresholds;
  section.append(h("h2", {}, "What changed"));
  showChange = listing(section, {
    table, columns, one: "place", many: "places", empty: "Neither side has a finding.",
    filters: [textFilter(table, "change", "Change"), textFilter(table, "kind", "Kind", (kind) => kinds.get(kind).title), textFilter(table, "owner", "Owner"), textFilter(table, "module", "Module", shortPath)],
    row: (index) => ({ "data-change": table.text("change", index) }),
    sum: (order) => {
      const [old, now] = ["old", "new"].map((side) => order.reduce((sum, index) => sum + amounts(side, index)[0], 0));
      return ["old ", exactBytes(old, { "data-sum": "old" }), ", new ", exactBytes(now, { "data-sum": "new" }), ": ", signedExact(now - old, bytesText, "bytes"), "."];
    },
    details: data.changes.details,
    more: (index, detail) => [h("h3", {}, "Then and now"), h("dl", { class: "facts then-and-now" }, ["old", "new"].map((side) => [h("dt", {}, side), h("dd", {}, detail[side] ?? "nothing")]))],
  });
  section.append(h("p", { class: "note" }, `A leak is grown or shrunk where it differs by ${bytesText(bytes)} and by ${percent} % or more. What is definitely and what is indirectly lost counts as one.`,
    data.changes.left_out > 0 && ` ${plural(data.changes.left_out, "place has", "places have")} no row: too many for a page; \`--format json\` has all of them.`));
};
