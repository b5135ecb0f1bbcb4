// Summary of a comparison, and what neither side could see.

const comparedView = (section) => {
  const tile = ({ category, count, amounts, meaning, tone }) => h("div", { class: `tile ${count > 0 ? tone : ""}`, "data-category": category, title: meaning },
    h("span", { class: "label" }, category), h("b", {}, exact(grouped(count), count, "places")),
    h("span", { class: "muted" }, count === 0 ? "nothing" : amountText(...amounts)));
  section.append(h("h2", { class: "sr" }, "Summary"), h("div", { class: "tiles many" }, data.categories.map(tile)), firstChanges(), totalsCard(),
    h("div", { class: "two" }, data.sides.map(sideCard)));
};

const firstChanges = () => {
  if (data.first.length === 0) return h("div", { class: "card" }, h("h3", {}, "Look at these first"), h("p", { class: "empty" }, "Nothing got worse."));
  const row = (change) => h("li", {}, h("button", { type: "button", class: "first change", onclick: () => openChange(change.row) },
    h("span", {}, changeLabel(change.change, change.tone)), h("span", {}, kindLabel(change.kind)), h("span", { class: "number" }, change.change === "changed" ? bytesText(change.bytes[1]) : signed(change.bytes[1] - change.bytes[0], bytesText)),
    h("span", { class: "where" }, h("b", {}, change.function), h("span", { class: "place" }, `${change.place}${change.place ? " · " : ""}${change.owner}`))));
  return h("div", { class: "card" }, h("h3", {}, "Look at these first"), h("ol", { class: "list" }, data.first.map(row)),
    h("p", { class: "more" }, h("button", { type: "button", onclick: () => openView("changes") }, `All ${plural(data.changes.count, "place", "places")}`)));
};

/** Sums by kind, one side beside the other, as bars of one scale. */
const totalsCard = () => {
  if (data.totals.length === 0) return null;
  const most = Math.max(1, ...data.totals.flatMap(({ old, new: now }) => [old[0], now[0]]));
  const bar = (side, [bytes, blocks], kind) => [h("span", { class: "muted" }, side), h("span", { class: "track" }, bytes > 0 && h("i", { class: side, style: { width: `${(100 * bytes) / most}%` } })),
    h("span", { class: "number" }, exactBytes(bytes, { "data-total": `${side} ${kind}` }), " in ", exact(blocksText(blocks), blocks, "blocks", { "data-blocks": `${side} ${kind}` }))];
  return h("div", { class: "card" }, h("h3", {}, "All of it, by kind"), h("dl", { class: "facts sums" }, data.totals.map(({ kind, old, new: now }) =>
    [h("dt", {}, kindLabel(kind), h("div", { class: "muted" }, signed(now[0] - old[0], bytesText))), h("dd", { class: "bars" }, bar("old", old, kind), bar("new", now, kind))])));
};

const sideCard = (side) => {
  const facts = [
    ["File", side.name === null ? "withheld (--redact)" : h("code", {}, side.name)],
    ["Command", h("code", {}, side.command.join(" "))],
    ["Processes", h("span", { "data-count": `${side.label} processes`, "data-value": side.processes }, grouped(side.processes))],
    ["Findings", grouped(side.findings)],
    side.suppressed > 0 && ["Suppressed", plural(side.suppressed, "finding", "findings")],
    side.sampling && ["Sampled", side.sampling],
  ].filter(Boolean);
  return h("div", { class: "card", "data-side": side.label }, h("h3", {}, `The ${side.label} one`), h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
};

const comparedUnseenView = (section) => {
  section.append(h("h2", {}, "What could not be seen"),
    h("p", { class: "note" }, "What the old one did not see may be older than it looks here; what the new one did not see may still be there."));
  for (const side of data.sides) {
    section.append(h("h3", { class: "side" }, `In the ${side.label} one`));
    if (side.unseen.length === 0) section.append(h("div", { class: "card empty" }, "Nothing was missed: every process was checked, and every stack has names."));
    else section.append(...side.unseen.map(gapCard));
    if (side.unseen_left_out > 0) section.append(h("p", { class: "note" }, `And ${side.unseen_left_out} more reasons; \`--format json\` has all of them.`));
  }
};
