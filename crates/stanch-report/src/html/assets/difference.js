// Two sides in one flame graph: what grew is red and marked with +, what shrank is blue and marked with −.

/** `+1.20 KiB`, `−3 blocks`, `0 bytes`. */
const signed = (value, text) => (value === 0 ? text(0) : `${value > 0 ? "+" : "−"}${text(Math.abs(value))}`);
const signedExact = (value, text, unit, attributes) => exact(signed(value, text), value, unit, attributes);

/** What the width of a box is made of, given what ends there on both sides. */
const widths = {
  both: ["Either", "the larger of the two, so that nothing is hidden", Math.max],
  difference: ["What differs", "the difference, so that only what changed is seen", (old, now) => Math.abs(now - old)],
  old: ["Old", "what the old one has", (old) => old],
  new: ["New", "what the new one has", (_, now) => now],
};

const differenceView = async (section) => {
  const { flames } = data;
  const weights = flames.weights.filter((_, weight) => flames.totals.some((_, sum) => sum % flames.weights.length === weight && flames.totals[sum] > 0));
  if (weights.length === 0) {
    section.append(h("h2", {}, "Flame graph"), h("div", { class: "card empty" }, "Neither side has anything to draw."));
    return;
  }
  const state = { weight: weights[0], unit: "bytes", direction: "down", width: "both" };
  let tree = null;
  let sides = null;
  const amount = (value) => (state.unit === "bytes" ? bytesText(value) : blocksText(value));
  const sumIndex = (side) => (2 * side + (state.unit === "bytes" ? 0 : 1)) * flames.weights.length + flames.weights.indexOf(state.weight);
  const sidesOf = (tree) => [0, 1].map((side) => tree.weigh(sumIndex(side)));
  /** From −1, gone, to 1, new. */
  const change = (node) => {
    const [old, now] = sides.map(({ whole }) => whole[node]);
    return (now - old) / Math.max(old, now, 1);
  };
  const verdictOf = (old, now) => {
    if (old === now) return "as before";
    if (old === 0) return "only in the new one";
    if (now === 0) return "only in the old one";
    return `${now > old ? "grown" : "shrunk"} by ${percentText(Math.abs(now - old), old)}`;
  };
  const total = h("p", { class: "note" });
  const functions = h("div", { class: "scroll" });

  const shade = (share) => {
    if (share === 0) return isDark() ? "hsl(215 8% 32%)" : "hsl(215 10% 85%)";
    const strength = Math.sqrt(Math.abs(share));
    return `hsl(${share > 0 ? 8 : 215} ${25 + 50 * strength}% ${isDark() ? 32 + 9 * strength : 85 - 16 * strength}%)`;
  };
  const graph = flameGraph(section, {
    label: (node) => `${change(node) > 0 ? "+ " : change(node) < 0 ? "− " : ""}${tree.name(node)}`,
    color: (node) => shade(change(node)),
    describe: (node) => {
      const [old, now] = sides.map(({ whole }) => whole[node]);
      return [h("b", {}, tree.name(node)), tree.module(node) && h("span", { class: "muted" }, ` ${tree.module(node)}`), h("br"),
        "old ", exact(amount(old), old, state.unit, { "data-node": "old" }), ", new ", exact(amount(now), now, state.unit, { "data-node": "new" }),
        `: ${signed(now - old, amount)}, ${verdictOf(old, now)}`,
        tree.name(node) === SMALL && "; branches that are too small for the page, summed exactly"].filter(Boolean);
    },
  });

  const drawFunctions = async () => {
    const down = await treeOf(flames.down);
    const differing = down.functions(sidesOf(down)).map((sum) => ({ ...sum, difference: sum.own[1] - sum.own[0] }))
      .filter((sum) => sum.difference !== 0 && (graph.words() === "" || down.matches(sum.node, graph.words())))
      .sort((one, other) => Math.abs(other.difference) - Math.abs(one.difference)).slice(0, 15);
    functions.replaceChildren(differing.length === 0 ? h("p", { class: "empty" }, "No function differs in this weight.") : h("table", { class: "cards" },
      h("thead", {}, h("tr", {}, ["Function", "Difference", "Old", "New"].map((name, index) => h("th", { class: index > 0 ? "number" : null, scope: "col" }, name)))),
      h("tbody", {}, differing.map((sum) => h("tr", { class: "plain" }, h("td", { class: "where" }, h("b", {}, down.name(sum.node)), h("span", { class: "place" }, down.module(sum.node))),
        h("td", { class: `number ${sum.difference > 0 ? "bad" : "good"}`, "data-label": "difference" }, signedExact(sum.difference, amount, state.unit)),
        h("td", { class: "number", "data-label": "old" }, exact(amount(sum.own[0]), sum.own[0], state.unit)), h("td", { class: "number", "data-label": "new" }, exact(amount(sum.own[1]), sum.own[1], state.unit)))))));
  };
  const refresh = async (keepRoot) => {
    tree = await treeOf(state.direction === "down" ? flames.down : flames.up);
    sides = sidesOf(tree);
    const [old, now] = sides.map(({ whole }) => whole[0]);
    const merge = widths[state.width][2];
    const sums = tree.addUp(sides[0].own.map((own, node) => merge(own, sides[1].own[node])));
    const [label, meaning] = weightWords[state.weight];
    const key = `${state.weight} ${state.unit}`;
    total.replaceChildren(h("b", {}, label), `: ${meaning}. Old `, exact(amount(old), old, state.unit, { "data-flame-old": key }), ", new ",
      exact(amount(now), now, state.unit, { "data-flame-new": key }), `: ${signed(now - old, amount)}.`, sums.whole[0] === 0 ? " There is nothing to draw." : "");
    graph.show(tree, sums, keepRoot);
    section.dataset.width = state.width;
    await drawFunctions();
  };
  const choose = (field, keepRoot) => (value) => { state[field] = value; refresh(keepRoot); };
  const search = (words) => {
    const found = graph.search(words, sides.map(({ own }) => own));
    drawFunctions();
    if (found) graph.status.replaceChildren("Stacks that match hold ", h("b", { "data-match": found[0] }, amount(found[0])), " in the old one, ", h("b", { "data-match": found[1] }, amount(found[1])), ` in the new one: ${signed(found[1] - found[0], amount)}.`);
  };

  const legend = h("ul", { class: "legend" });
  const drawLegend = () => legend.replaceChildren(...[["+ only in the new one", 1], ["+ grown", 0.2], ["as before", 0], ["− shrunk", -0.2], ["− only in the old one", -1]]
    .map(([label, share]) => h("li", {}, h("i", { style: { background: shade(share) } }), label)));
  drawLegend();
  whenRedrawn(drawLegend);
  section.append(h("h2", {}, "Who allocates more, and who less"),
    h("div", { class: "controls" },
      weightChoice(weights, state.weight, choose("weight", true)), unitChoice(state.unit, choose("unit", true)),
      choice("Width of a box", Object.entries(widths).map(([name, [label, meaning]]) => [name, label, meaning]), state.width, choose("width", true)),
      directionChoice(state.direction, choose("direction", false)), layoutChoice(graph),
      searchField("Search functions", search),
      h("button", { type: "button", onclick: () => graph.zoom(0) }, "Reset zoom")),
    total, h("p", { class: "note", "data-flame-note": flames.note !== null, hidden: flames.note === null }, flames.note),
    h("div", { class: "card" }, graph.frame, graph.status, legend),
    h("div", { class: "card" }, h("h3", {}, "Functions whose own allocations differ most"), functions));
  await refresh();
};
