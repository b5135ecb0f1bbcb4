// A long table: sorted, filtered and searched, and its rows open to what is behind a finding.

const ROWS_SHOWN = 100;

/** Rows that stand in the page as columns: one object each would be slow for tens of thousands. */
class Columns {
  constructor(packed) {
    this.packed = packed;
    this.count = packed.fingerprint.length / 16;
  }
  value(column, index) { return this.packed[column][index]; }
  text(column, index) { return this.packed.texts[this.packed[column][index]]; }
  fingerprint(index) { return this.packed.fingerprint.slice(16 * index, 16 * index + 16); }
  /** Where and whose, as all tables of findings have them. */
  where(index) {
    return h("td", { class: "where" }, h("b", {}, this.text("function", index)), h("span", { class: "place" }, this.text("place", index)));
  }
  owner(index) {
    const kind = this.text("owner_kind", index);
    return h("td", {}, this.text("owner", index), h("span", { class: "muted" }, kind === "application" ? "" : ` (${kind})`));
  }
  words(index) {
    return `${["function", "place", "owner", "kind", "module"].map((column) => this.text(column, index)).join(" ")} ${this.fingerprint(index)}`.toLowerCase();
  }
}

/** What one may filter by: a column of texts, and how its values are shown. */
const textFilter = (table, column, label, shown = (value) => value) => {
  const counts = new Map();
  for (let index = 0; index < table.count; index += 1) counts.set(table.text(column, index), (counts.get(table.text(column, index)) ?? 0) + 1);
  const options = [...counts].sort((one, other) => other[1] - one[1]).map(([value, count]) => [value, `${shown(value)} (${count})`]);
  return { column, label, options, passes: (index, wanted) => table.text(column, index) === wanted };
};
const shortPath = (path) => path.slice(path.lastIndexOf("/") + 1) || "(none)";

/**
 * Fills a section with a table. `columns`: name, label, the key that rows are sorted by, whether that is a number, and
 * the cell. `details` says which pieces hold what is behind the rows, `more` what a row opens to beside that.
 * Gives a function that opens the row with a number.
 */
const listing = (section, { table, one, many, columns, filters, row, sum, details, more, empty }) => {
  const chosen = new Map();
  let words = [];
  let sort = { column: null, descending: true };
  let order = [];
  let limit = ROWS_SHOWN;
  const open = new Set();
  const passes = (index) => filters.every((filter) => !chosen.get(filter.column) || filter.passes(index, chosen.get(filter.column))) &&
    (words.length === 0 || words.every((word) => table.words(index).includes(word)));

  const summary = h("p", { class: "note", role: "status", "aria-live": "polite" });
  const body = h("tbody");
  const rest = h("p", { class: "more" });
  const refresh = () => {
    order = [];
    for (let index = 0; index < table.count; index += 1) if (passes(index)) order.push(index);
    if (sort.column) {
      const { key } = columns.find((column) => column.name === sort.column);
      const sign = sort.descending ? -1 : 1;
      order.sort((first, second) => {
        const [before, after] = [key(first), key(second)];
        return sign * (typeof before === "string" ? before.localeCompare(after) : before - after) || first - second;
      });
    }
    summary.replaceChildren(h("span", { "data-count": "shown", "data-value": order.length }, plural(order.length, one, many)), order.length < table.count ? ` of ${grouped(table.count)}: ` : ": ", ...[sum(order)].flat());
    draw();
  };
  const draw = () => {
    body.replaceChildren(...order.slice(0, limit).flatMap((index) => rows(index)));
    if (order.length === 0) body.append(h("tr", {}, h("td", { colspan: 9, class: "empty" }, table.count === 0 ? empty : `No ${one} matches.`)));
    rest.hidden = order.length <= limit;
    rest.replaceChildren(h("button", { type: "button", onclick: () => { limit += ROWS_SHOWN; draw(); } }, `Show ${Math.min(ROWS_SHOWN, order.length - limit)} more of ${grouped(order.length - limit)}`));
  };
  const rows = (index) => {
    const isOpen = open.has(index);
    const line = h("tr", { class: "row", "data-row": index, "data-fingerprint": table.fingerprint(index), "data-kind": table.text("kind", index), ...row?.(index), onclick: () => !getSelection().toString() && toggle(index) },
      h("td", { class: "toggle" }, h("button", { type: "button", class: "open", "aria-expanded": isOpen ? "true" : "false", "aria-label": `Details of ${table.text("function", index)}` })),
      columns.map((column) => column.cell(index)));
    if (!isOpen) return [line];
    const detail = h("tr", { class: "detail" }, h("td", { colspan: 9 }, "…"));
    fill(detail.firstChild, index);
    return [line, detail];
  };
  const toggle = (index) => {
    if (open.has(index)) open.delete(index);
    else open.add(index);
    draw();
    body.querySelector(`[data-row="${index}"] .open`)?.focus({ preventScroll: true });
  };
  const fill = async (cell, index) => {
    const piece = details.pieces[Math.floor(index / details.in_each)];
    if (piece === undefined) {
      cell.replaceChildren(h("p", { class: "note" }, "The page has the stacks of the first ones only. `--format json` has this one too: look for ", h("code", {}, table.fingerprint(index)), "."));
      return;
    }
    const { texts, findings } = await chunk(piece);
    const detail = findings[index % details.in_each];
    cell.replaceChildren(findingDetails(table, index, detail, texts, more?.(index, detail)));
    cell.dataset.loaded = "true";
  };

  const choose = (column, value) => {
    chosen.set(column, value);
    limit = ROWS_SHOWN;
    refresh();
  };
  const header = ({ name, label, key, isNumber }) => {
    if (!key) return h("th", { scope: "col" }, label);
    const cell = h("th", { class: isNumber ? "number" : null, scope: "col" }, h("button", { type: "button", "data-sort": name, onclick: () => {
      sort = { column: name, descending: sort.column === name ? !sort.descending : Boolean(isNumber) };
      for (const other of cell.parentNode.children) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", sort.descending ? "descending" : "ascending");
      refresh();
    } }, label));
    return cell;
  };
  section.append(
    h("div", { class: "controls" },
      searchField("Search functions, files, owners", (value) => { words = value.toLowerCase().split(/\s+/).filter(Boolean); limit = ROWS_SHOWN; refresh(); }),
      filters.filter((filter) => filter.options.length > 1).map((filter) =>
        select(filter.label, [["", "all"], ...filter.options], (value) => choose(filter.column, value), { "data-filter": filter.column }))),
    summary,
    h("div", { class: "card long" }, h("table", { class: "findings cards" },
      h("thead", {}, h("tr", {}, h("th", {}, h("span", { class: "sr" }, "")), columns.map(header))),
      body), rest));
  refresh();
  return (index) => {
    if (!order.includes(index)) return;
    open.add(index);
    limit = Math.max(limit, order.indexOf(index) + 1);
    draw();
    const line = body.querySelector(`[data-row="${index}"]`);
    line.scrollIntoView({ block: "start" });
    line.querySelector(".open").focus({ preventScroll: true });
  };
};

/** Reasons, stack, advice and source of one finding; `more` stands before the reasons. */
const findingDetails = (table, index, detail, texts, more) => {
  const roles = ["runtime", "wrapper", "dependency", "application"];
  const frame = ([name, place, module, role, inlined], position) =>
    h("li", { class: `${roles[role]} ${position === detail.owning ? "owning" : ""}`, title: texts[module] || null }, texts[name],
      inlined && h("span", { class: "muted" }, " (inlined)"), h("span", { class: "place" }, texts[place]));
  const evidence = (reason) => h("li", {}, prose(reason.text), reason.path.length > 0 && h("ul", {}, reason.path.map(([place, note]) => h("li", {}, h("code", {}, place), ` ${note}`))));
  return h("div", { class: "parts" },
    h("div", {},
      more,
      h("h3", {}, "What"), h("p", {}, prose(detail.message)),
      detail.estimate && h("p", { "data-estimate": true }, h("span", { class: "muted" }, "Estimate: "), detail.estimate),
      detail.evidence.length > 0 && [h("h3", {}, "Why it is claimed"), h("ul", {}, detail.evidence.map(evidence))],
      h("p", {}, h("span", { class: "muted" }, "Certainty: "), table.text("confidence", index), h("br"), h("span", { class: "muted" }, "Fingerprint: "), h("code", {}, table.fingerprint(index))),
      detail.fix && h("div", { class: "fix" }, h("h3", {}, "What to do"), h("p", {}, prose(detail.fix)))),
    h("div", {},
      detail.source && [h("h3", {}, "Source"), h("pre", { class: "source", tabindex: 0 }, detail.source.lines.map((line, offset) =>
        h("span", { class: detail.source.first + offset === detail.source.line ? "meant" : null }, h("i", {}, detail.source.first + offset), line)))],
      h("h3", {}, "Stack"), h("ol", { class: "frames" }, h("li", { class: "runtime" }, detail.allocator), detail.stack.map(frame)),
      h("p", { class: "note" }, "The innermost frame is on top. The marked one owns the allocation: code that is neither a runtime library nor a wrapper of an allocator.")));
};
