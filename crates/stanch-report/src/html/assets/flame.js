// Who allocated what: the flame graph of a recording.

const flameView = async (section) => {
  if (data.flames.length === 0) {
    section.append(h("h2", {}, "Flame graph"), h("div", { class: "card empty" }, "No allocation was recorded."));
    return;
  }
  const state = { trees: data.flames[0], weight: "", unit: "bytes", direction: "down" };
  const sumIndex = (weight = state.weight, unit = state.unit) => data.weights.indexOf(weight) + (unit === "bytes" ? 0 : data.weights.length);
  state.weight = ["lost", "live", "peak", "allocated"].find((weight) => state.trees.totals[sumIndex(weight, "bytes")] > 0) ?? "allocated";
  let tree = null;
  const amount = (value) => (state.unit === "bytes" ? bytesText(value) : blocksText(value));
  const total = h("p", { class: "note" });
  const functions = h("div", { class: "scroll" });

  const graph = flameGraph(section, {
    label: (node) => tree.name(node),
    color: (node) => {
      const name = tree.name(node);
      let hash = 0;
      for (let index = 0; index < Math.min(name.length, 40); index += 1) hash = (hash * 31 + name.charCodeAt(index)) >>> 0;
      const shift = (hash % 100) / 100;
      const [hue, saturation] = [[215, 16], [275, 30], [170, 36], [18 + 30 * shift, 74]][tree.role(node)] ?? [215, 10];
      return `hsl(${hue} ${saturation}% ${isDark() ? 33 + 9 * shift : 74 + 9 * shift}%)`;
    },
    describe: (node) => {
      const { own, whole } = tree.weigh(sumIndex());
      return [h("b", {}, tree.name(node)), tree.module(node) && h("span", { class: "muted" }, ` ${tree.module(node)}`), h("br"),
        exact(amount(whole[node]), whole[node], state.unit, { "data-node": "whole" }), `, ${percentText(whole[node], whole[0])} of all`,
        own[node] > 0 && whole[node] !== own[node] && `; ${amount(own[node])} of it directly here`,
        tree.name(node) === SMALL && "; branches that are too small for the page, summed exactly"].filter(Boolean);
    },
  });

  const drawFunctions = async () => {
    const down = await treeOf(state.trees.down);
    const sums = down.functions([down.weigh(sumIndex())]);
    const largest = sums.filter((sum) => sum.own[0] > 0).filter((sum) => graph.words() === "" || down.matches(sum.node, graph.words()))
      .sort((one, other) => other.own[0] - one.own[0] || other.whole[0] - one.whole[0]).slice(0, 15);
    functions.replaceChildren(largest.length === 0 ? h("p", { class: "empty" }, "Nothing of this weight.") : h("table", { class: "cards" },
      h("thead", {}, h("tr", {}, h("th", {}, "Function"), h("th", { class: "number" }, "Directly"), h("th", { class: "number" }, "With what it calls"))),
      h("tbody", {}, largest.map((sum) => h("tr", { class: "plain" }, h("td", { class: "where" }, h("b", {}, down.name(sum.node)), h("span", { class: "place" }, down.module(sum.node))),
        h("td", { class: "number", "data-label": "directly" }, exact(amount(sum.own[0]), sum.own[0], state.unit)), h("td", { class: "number", "data-label": "in all" }, exact(amount(sum.whole[0]), sum.whole[0], state.unit)))))));
  };
  const refresh = async (keepRoot) => {
    tree = await treeOf(state.direction === "down" ? state.trees.down : state.trees.up);
    const sums = tree.weigh(sumIndex());
    const sum = sums.whole[0];
    const [label, meaning] = weightWords[state.weight];
    total.replaceChildren(h("b", {}, label), `: ${meaning}. `, exact(amount(sum), sum, state.unit, { "data-flame-total": `${state.weight} ${state.unit}` }), " in all.",
      state.weight === "temporary" && state.unit === "bytes" ? " Bytes of temporary blocks are estimated from the mean size at each place." : "",
      sum === 0 ? " There is nothing to draw." : "");
    graph.show(tree, sums, keepRoot);
    await drawFunctions();
  };
  const change = (field, keepRoot) => (value) => { state[field] = value; refresh(keepRoot); };
  const search = (words) => {
    const { own, whole } = tree.weigh(sumIndex());
    const found = graph.search(words, [own]);
    drawFunctions();
    if (found) graph.status.replaceChildren("Stacks that match hold ", h("b", { "data-match": found[0] }, amount(found[0])), `, ${percentText(found[0], whole[0])} of all.`);
  };

  const processName = (trees) => (trees.process === null ? "all together" : data.processes[trees.process].name);
  section.append(h("h2", {}, "Who allocated it"),
    h("div", { class: "controls" },
      data.flames.length > 1 && select("Process", data.flames.map((trees, index) => [index, processName(trees)]), (index) => { state.trees = data.flames[index]; refresh(); }, { "data-filter": "flame-process" }),
      weightChoice(data.weights, state.weight, change("weight", true)), unitChoice(state.unit, change("unit", true)),
      directionChoice(state.direction, change("direction", false)), layoutChoice(graph),
      searchField("Search functions", search),
      h("button", { type: "button", onclick: () => graph.zoom(0) }, "Reset zoom")),
    total,
    h("div", { class: "card" }, graph.frame, graph.status,
      h("ul", { class: "legend" }, [["the program's or a library's code", 3], ["code of dependencies", 2], ["allocation wrappers", 1], ["runtime libraries", 0]].map(([label, role]) =>
        h("li", {}, h("i", { style: { background: ["hsl(215 16% 62%)", "hsl(275 30% 62%)", "hsl(170 36% 55%)", "hsl(30 74% 62%)"][role] } }), label)))),
    h("div", { class: "card" }, h("h3", {}, "Functions that allocate most themselves"), functions));
  await refresh();
};
