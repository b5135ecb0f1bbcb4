// The table of findings: sort, filter, search, expand.

const ROWS_SHOWN = 100;
/** Set by the view once it is built: opens the finding with this number. */
let showFinding = null;

const openFinding = async (index) => {
  await openView("findings");
  showFinding?.(index);
};

/** The rows as one object each would be slow for tens of thousands; they stay columns. */
const findingsView = async (section) => {
  const table = await chunk(data.findings.rows);
  const count = table.bytes.length;
  const text = (column, index) => table.texts[table[column][index]];
  const fingerprint = (index) => table.fingerprint.slice(16 * index, 16 * index + 16);
  const held = (index) => table.bytes[index] + table.indirect_bytes[index];
  const filters = { kind: "", owner: "", module: "", process: "" };
  let words = [];
  let sort = { column: null, descending: true };
  let order = [];
  let limit = ROWS_SHOWN;
  const open = new Set();

  const searchable = (index) =>
    `${text("function", index)} ${text("place", index)} ${text("owner", index)} ${text("kind", index)} ${text("module", index)} ${fingerprint(index)}`.toLowerCase();
  const passes = (index) =>
    (!filters.kind || text("kind", index) === filters.kind) && (!filters.owner || text("owner", index) === filters.owner) &&
    (!filters.module || text("module", index) === filters.module) && (filters.process === "" || table.process[index] === Number(filters.process)) &&
    (words.length === 0 || words.every((word) => searchable(index).includes(word)));
  const keys = {
    bytes: held, blocks: (index) => table.blocks[index], kind: (index) => kinds.get(text("kind", index)).title,
    where: (index) => text("function", index), owner: (index) => text("owner", index), process: (index) => table.process[index],
  };

  const summary = h("p", { class: "note", role: "status", "aria-live": "polite" });
  const body = h("tbody");
  const more = h("p", { class: "more" });
  const refresh = () => {
    order = [];
    for (let index = 0; index < count; index += 1) if (passes(index)) order.push(index);
    if (sort.column) {
      const key = keys[sort.column];
      const sign = sort.descending ? -1 : 1;
      order.sort((one, other) => {
        const [first, second] = [key(one), key(other)];
        return sign * (typeof first === "string" ? first.localeCompare(second) : first - second) || one - other;
      });
    }
    const sum = order.reduce((sum, index) => sum + table.bytes[index], 0);
    const blocks = order.reduce((sum, index) => sum + table.blocks[index], 0);
    summary.replaceChildren(h("span", { "data-count": "shown", "data-value": order.length }, plural(order.length, "finding", "findings")), order.length < count ? ` of ${grouped(count)}: ` : ": ",
      exact(amountText(sum, blocks), sum, "bytes", { "data-sum": "bytes" }));
    draw();
  };
  const draw = () => {
    body.replaceChildren(...order.slice(0, limit).flatMap((index) => rows(index)));
    if (order.length === 0) body.append(h("tr", {}, h("td", { colspan: 9, class: "empty" }, count === 0 ? "There are no findings." : "No finding matches.")));
    more.hidden = order.length <= limit;
    more.replaceChildren(h("button", { type: "button", onclick: () => { limit += ROWS_SHOWN; draw(); } }, `Show ${Math.min(ROWS_SHOWN, order.length - limit)} more of ${grouped(order.length - limit)}`));
  };

  const rows = (index) => {
    const isOpen = open.has(index);
    const extra = table.indirect_bytes[index];
    const row = h("tr", { class: "row", "data-finding": index, "data-fingerprint": fingerprint(index), "data-kind": text("kind", index), onclick: (event) => !getSelection().toString() && toggle(index, event) },
      h("td", { class: "toggle" }, h("button", { type: "button", class: "open", "aria-expanded": isOpen ? "true" : "false", "aria-label": `Details of ${text("function", index)}` })),
      h("td", {}, kindLabel(text("kind", index))),
      h("td", { class: "number" }, exactBytes(table.bytes[index], { "data-cell": "bytes" }), extra > 0 && h("div", { class: "muted", title: "held only by these blocks" }, "+ ", exactBytes(extra))),
      h("td", { class: "number" }, exact(blocksText(table.blocks[index]), table.blocks[index], "blocks", { "data-cell": "blocks" })),
      h("td", { class: "where" }, h("b", {}, text("function", index)), h("span", { class: "place" }, text("place", index))),
      h("td", {}, text("owner", index), h("span", { class: "muted" }, text("owner_kind", index) === "application" ? "" : ` (${text("owner_kind", index)})`)),
      manyProcesses && h("td", { "data-label": "process" }, data.processes[table.process[index]]?.name ?? ""));
    if (!isOpen) return [row];
    const detail = h("tr", { class: "detail" }, h("td", { colspan: 9 }, "…"));
    fill(detail.firstChild, index);
    return [row, detail];
  };
  const toggle = (index) => {
    if (open.has(index)) open.delete(index);
    else open.add(index);
    draw();
    body.querySelector(`[data-finding="${index}"] .open`)?.focus({ preventScroll: true });
  };

  const fill = async (cell, index) => {
    const piece = data.findings.details[Math.floor(index / data.findings.details_a_chunk)];
    if (piece === undefined) {
      cell.replaceChildren(h("p", { class: "note" }, "The page has the stacks of the worst findings only. `stanch report FILE --format json` has this one too: look for ", h("code", {}, fingerprint(index)), "."));
      return;
    }
    const details = await chunk(piece);
    const detail = details.findings[index % data.findings.details_a_chunk];
    cell.replaceChildren(detailOf(detail, details.texts, index));
    cell.dataset.loaded = "true";
  };
  const detailOf = (detail, texts, index) => {
    const roles = ["runtime", "wrapper", "dependency", "application"];
    const frame = ([name, place, module, role, inlined], position) =>
      h("li", { class: `${roles[role]} ${position === detail.owning ? "owning" : ""}`, title: texts[module] || null }, texts[name],
        inlined && h("span", { class: "muted" }, " (inlined)"), h("span", { class: "place" }, texts[place]));
    const evidence = (one) => h("li", {}, prose(one.text), one.path.length > 0 && h("ul", {}, one.path.map(([place, note]) => h("li", {}, h("code", {}, place), ` ${note}`))));
    return h("div", { class: "parts" },
      h("div", {},
        h("h3", {}, "What"), h("p", {}, prose(detail.message)),
        detail.estimate && h("p", { "data-estimate": true }, h("span", { class: "muted" }, "Estimate: "), detail.estimate),
        detail.evidence.length > 0 && [h("h3", {}, "Why it is claimed"), h("ul", {}, detail.evidence.map(evidence))],
        h("p", {}, h("span", { class: "muted" }, "Certainty: "), text("confidence", index), h("br"), h("span", { class: "muted" }, "Fingerprint: "), h("code", {}, fingerprint(index))),
        detail.fix && h("div", { class: "fix" }, h("h3", {}, "What to do"), h("p", {}, prose(detail.fix)))),
      h("div", {},
        detail.source && [h("h3", {}, "Source"), h("pre", { class: "source", tabindex: 0 }, detail.source.lines.map((line, offset) =>
          h("span", { class: detail.source.first + offset === detail.source.line ? "meant" : null }, h("i", {}, detail.source.first + offset), line)))],
        h("h3", {}, "Stack"), h("ol", { class: "frames" }, h("li", { class: "runtime" }, detail.allocator), detail.stack.map(frame)),
        h("p", { class: "note" }, "The innermost frame is on top. The marked one owns the allocation: code that is neither a runtime library nor a wrapper of an allocator.")));
  };

  const values = (column) => {
    const counts = new Map();
    for (let index = 0; index < count; index += 1) counts.set(text(column, index), (counts.get(text(column, index)) ?? 0) + 1);
    return [...counts].sort((one, other) => other[1] - one[1]);
  };
  const filter = (label, column, options) => options.length > 1 &&
    select(label, [["", "all"], ...options], (value) => { filters[column] = value; limit = ROWS_SHOWN; refresh(); }, { "data-filter": column });
  const header = (column, label, numeric) => {
    const cell = h("th", { class: numeric ? "number" : null, scope: "col" }, h("button", { type: "button", "data-sort": column, onclick: () => {
      sort = { column, descending: sort.column === column ? !sort.descending : Boolean(numeric) };
      for (const one of cell.parentNode.children) one.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", sort.descending ? "descending" : "ascending");
      refresh();
    } }, label));
    return cell;
  };
  const processes = [...new Set(table.process)].sort((one, other) => one - other).map((process) => [process, data.processes[process]?.name ?? process]);
  const short = (path) => path.slice(path.lastIndexOf("/") + 1) || "(none)";
  section.append(h("h2", {}, "Findings"),
    h("div", { class: "controls" },
      searchField("Search functions, files, owners", (value) => { words = value.toLowerCase().split(/\s+/).filter(Boolean); limit = ROWS_SHOWN; refresh(); }),
      filter("Kind", "kind", values("kind").map(([kind, number]) => [kind, `${kinds.get(kind).title} (${number})`])),
      filter("Owner", "owner", values("owner").map(([owner, number]) => [owner, `${owner} (${number})`])),
      filter("Module", "module", values("module").map(([module, number]) => [module, `${short(module)} (${number})`])),
      manyProcesses && filter("Process", "process", processes)),
    summary,
    h("div", { class: "card long" }, h("table", { class: "findings cards" },
      h("thead", {}, h("tr", {}, h("th", {}, h("span", { class: "sr" }, "")), header("kind", "Kind"), header("bytes", "Bytes", true), header("blocks", "Blocks", true), header("where", "Where"), header("owner", "Whose"), manyProcesses && header("process", "Process"))),
      body), more),
    h("p", { class: "note", hidden: data.findings.left_out.length === 0 }, `Too many for a page: ${data.findings.left_out.map(([kind, findings, bytes, blocks]) =>
      `${plural(findings, "more finding", "more findings")} that are ${kinds.get(kind).title}, ${amountText(bytes, blocks)}`).join("; ")}. \`--format json\` has all of them.`));
  refresh();
  showFinding = (index) => {
    if (!order.includes(index)) return;
    open.add(index);
    limit = Math.max(limit, order.indexOf(index) + 1);
    draw();
    const row = body.querySelector(`[data-finding="${index}"]`);
    row.scrollIntoView({ block: "start" });
    row.querySelector(".open").focus({ preventScroll: true });
  };
};
