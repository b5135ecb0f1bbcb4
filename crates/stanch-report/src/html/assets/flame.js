// Stacks as boxes: the width is the weight, a box stands on its caller (or hangs from it).

const weightWords = {
  lost: ["Lost", "definitely or indirectly lost when last seen"],
  "possibly lost": ["Possibly lost", "only pointers to the middle were left"],
  live: ["Live", "not freed when last seen"],
  allocated: ["Allocated", "over the whole life"],
  peak: ["Peak", "live at the sampled moment when most was live"],
  temporary: ["Temporary", "freed before the same thread allocated again"],
};
const SMALL = "(too small to show)";

/** A tree with the sums of every node; children by weight come later, as they depend on the weight. */
class FlameTree {
  constructor(packed) {
    this.packed = packed;
    this.count = packed.parents.length + 1;
    this.children = Array.from({ length: this.count }, () => null);
    packed.parents.forEach((parent, index) => (this.children[parent] ??= []).push(index + 1));
    this.sums = new Map();
  }
  /** Own and whole sums of every node. Parents come first, so one pass backwards adds up. */
  weigh(weight) {
    if (!this.sums.has(weight)) {
      const [nodes, values] = this.packed.own[weight];
      const own = new Float64Array(this.count);
      nodes.forEach((node, index) => { own[node] = values[index]; });
      const whole = own.slice();
      for (let node = this.count - 1; node > 0; node -= 1) whole[this.packed.parents[node - 1]] += whole[node];
      this.sums.set(weight, { own, whole });
    }
    return this.sums.get(weight);
  }
  parent(node) { return node === 0 ? -1 : this.packed.parents[node - 1]; }
  frame(node) { return node === 0 ? null : this.packed.frames[this.packed.functions[node - 1]] ?? null; }
  name(node) {
    if (node === 0) return "everything";
    const frame = this.frame(node);
    return frame ? this.packed.texts[frame[0]] : SMALL;
  }
  module(node) { const frame = this.frame(node); return frame ? this.packed.texts[frame[1]] : ""; }
  role(node) { const frame = this.frame(node); return frame ? frame[2] : -1; }
}

const flameView = async (section) => {
  if (data.flames.length === 0) {
    section.append(h("h2", {}, "Flame graph"), h("div", { class: "card empty" }, "No allocation was recorded."));
    return;
  }
  const state = { trees: data.flames[0], weight: "", unit: "bytes", direction: "down", layout: "flame", words: "", root: 0, selected: 0 };
  const weightCount = data.weights.length;
  const sumIndex = (weight = state.weight, unit = state.unit) => data.weights.indexOf(weight) + (unit === "bytes" ? 0 : weightCount);
  const firstWeight = (trees) => ["lost", "live", "peak", "allocated"].find((weight) => trees.totals[sumIndex(weight, "bytes")] > 0) ?? "allocated";
  state.weight = firstWeight(state.trees);
  let tree = null;
  let boxes = [];
  const amount = (value) => (state.unit === "bytes" ? bytesText(value) : blocksText(value));

  const canvas = h("canvas", { tabindex: 0, role: "application", "aria-label": "Flame graph. Arrow keys move, Enter zooms in, Escape zooms out." });
  const frame = h("div", { class: "flame" }, canvas);
  const status = h("div", { class: "status", role: "status", "aria-live": "polite" });
  const total = h("p", { class: "note" });
  const functions = h("div", { class: "scroll" });
  const ROW = 20;

  const color = (node, isMatch) => {
    const dark = isDark();
    const name = tree.name(node);
    let hash = 0;
    for (let index = 0; index < Math.min(name.length, 40); index += 1) hash = (hash * 31 + name.charCodeAt(index)) >>> 0;
    const shift = (hash % 100) / 100;
    if (node === 0 || name === SMALL) return dark ? "#353c47" : "#dcdfe3";
    if (isMatch) return dark ? "#e4cf4a" : "#ffe04a";
    const [hue, saturation] = [[215, 16], [275, 30], [170, 36], [18 + 30 * shift, 74]][tree.role(node)] ?? [215, 10];
    return `hsl(${hue} ${saturation}% ${dark ? 33 + 9 * shift : 74 + 9 * shift}%)`;
  };
  const isMatch = (node) => state.words !== "" && node > 0 && `${tree.name(node)} ${tree.module(node)}`.toLowerCase().includes(state.words);

  /** Lays out what is below the root of the zoom, and the path above it. */
  const layout = (width) => {
    boxes = [];
    const { whole } = tree.weigh(sumIndex());
    const path = [];
    for (let node = tree.parent(state.root); node >= 0; node = tree.parent(node)) path.unshift(node);
    path.forEach((node, depth) => boxes.push({ node, depth, x: 0, width, isPath: true }));
    const open = [{ node: state.root, depth: path.length, x: 0, width }];
    const scale = whole[state.root] > 0 ? width / whole[state.root] : 0;
    while (open.length > 0) {
      const box = open.pop();
      boxes.push(box);
      let x = box.x;
      const below = (tree.children[box.node] ?? []).filter((child) => whole[child] * scale >= 0.4);
      below.sort((one, other) => (tree.frame(one) === null) - (tree.frame(other) === null) || whole[other] - whole[one] || one - other);
      for (const child of below) {
        open.push({ node: child, depth: box.depth + 1, x, width: whole[child] * scale });
        x += whole[child] * scale;
      }
    }
  };
  const draw = () => {
    if (!tree || frame.clientWidth === 0) return;
    const width = frame.clientWidth;
    layout(width);
    const rows = boxes.reduce((most, box) => Math.max(most, box.depth + 1), 1);
    const height = Math.min(rows * ROW + 4, 12000);
    const ratio = Math.min(devicePixelRatio || 1, 2);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    const styles = getComputedStyle(document.documentElement);
    const dark = isDark();
    for (const box of boxes) {
      box.y = state.layout === "flame" ? height - (box.depth + 1) * ROW - 2 : box.depth * ROW + 2;
      const wide = Math.max(box.width - 1, 0.6);
      pen.globalAlpha = box.isPath ? 0.55 : 1;
      pen.fillStyle = color(box.node, isMatch(box.node));
      pen.fillRect(box.x, box.y, wide, ROW - 1);
      if (box.node === state.selected) {
        pen.globalAlpha = 1;
        pen.strokeStyle = styles.getPropertyValue("--text") || (dark ? "#fff" : "#000");
        pen.strokeStyle = dark ? "#ffffff" : "#111111";
        pen.lineWidth = 2;
        pen.strokeRect(box.x + 1, box.y + 1, Math.max(wide - 2, 1), ROW - 3);
      }
      if (box.width > 34) {
        pen.fillStyle = isMatch(box.node) ? "#1a1a1a" : dark ? "#f2f3f5" : "#1a1f27";
        const name = tree.name(box.node);
        const room = box.width - 8;
        let text = name;
        if (pen.measureText(text).width > room) {
          text = name.slice(0, Math.max(1, Math.floor((name.length * room) / pen.measureText(name).width) - 1)) + "…";
        }
        pen.fillText(text, box.x + 4, box.y + ROW / 2);
      }
    }
    pen.globalAlpha = 1;
    section.dataset.root = String(state.root);
  };

  const describe = (node) => {
    const { own, whole } = tree.weigh(sumIndex());
    const all = whole[0];
    return [h("b", {}, tree.name(node)), tree.module(node) && h("span", { class: "muted" }, ` ${tree.module(node)}`), h("br"),
      exact(amount(whole[node]), whole[node], state.unit, { "data-node": "whole" }), `, ${percentText(whole[node], all)} of all`,
      own[node] > 0 && whole[node] !== own[node] && `; ${amount(own[node])} of it directly here`,
      tree.name(node) === SMALL && "; branches that are too small for the page, summed exactly"].filter(Boolean);
  };
  const pick = (node) => {
    state.selected = node;
    status.replaceChildren(...describe(node));
    draw();
  };
  const zoom = (node) => {
    state.root = node;
    pick(node);
    frame.scrollTop = state.layout === "flame" ? frame.scrollHeight : 0;
  };
  const at = (event) => {
    const area = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - area.left, event.clientY - area.top];
    return boxes.find((box) => y >= box.y && y < box.y + ROW && x >= box.x && x < box.x + box.width);
  };
  canvas.addEventListener("mousemove", (event) => {
    const box = at(event);
    canvas.style.cursor = box ? "pointer" : "";
    if (box) showTip(event.clientX, event.clientY, ...describe(box.node));
    else hideTip();
  });
  canvas.addEventListener("mouseleave", hideTip);
  canvas.addEventListener("click", (event) => {
    const box = at(event);
    if (box) zoom(box.node);
  });
  canvas.addEventListener("keydown", (event) => {
    const { whole } = tree.weigh(sumIndex());
    const sorted = (node) => (tree.children[node] ?? []).filter((child) => whole[child] > 0)
      .sort((one, other) => (tree.frame(one) === null) - (tree.frame(other) === null) || whole[other] - whole[one] || one - other);
    const [inward, outward] = state.layout === "flame" ? ["ArrowUp", "ArrowDown"] : ["ArrowDown", "ArrowUp"];
    const parent = tree.parent(state.selected);
    const siblings = parent >= 0 ? sorted(parent) : [state.selected];
    const place = siblings.indexOf(state.selected);
    const move = { [inward]: sorted(state.selected)[0], [outward]: parent, ArrowLeft: siblings[place - 1], ArrowRight: siblings[place + 1], Home: state.root }[event.key];
    if (move !== undefined && move >= 0) pick(move);
    else if (event.key === "Enter") zoom(state.selected);
    else if ((event.key === "Escape" || event.key === "Backspace") && state.root !== 0) zoom(Math.max(0, tree.parent(state.root)));
    else if (!Object.hasOwn({ [inward]: 1, [outward]: 1, ArrowLeft: 1, ArrowRight: 1, Home: 1 }, event.key)) return;
    event.preventDefault();
  });

  /** The same as a table. Whole sums count a function once in each stack, however often it calls itself. */
  const drawFunctions = async () => {
    const down = await treeOf(state.trees.down);
    const { own, whole } = down.weigh(sumIndex());
    const sums = new Map();
    const entered = new Map();
    const open = [{ node: 0, leaves: false }];
    while (open.length > 0) {
      const { node, leaves } = open.pop();
      const key = node === 0 ? -1 : down.packed.functions[node - 1];
      const depth = entered.get(key) ?? 0;
      if (leaves) { entered.set(key, depth - 1); continue; }
      if (whole[node] === 0) continue;
      if (key >= 0) {
        const sum = sums.get(key) ?? { node, own: 0, whole: 0 };
        sum.own += own[node];
        if (depth === 0) sum.whole += whole[node];
        sums.set(key, sum);
      }
      entered.set(key, depth + 1);
      open.push({ node, leaves: true }, ...(down.children[node] ?? []).map((child) => ({ node: child, leaves: false })));
    }
    const matches = (sum) => state.words === "" || `${down.name(sum.node)} ${down.module(sum.node)}`.toLowerCase().includes(state.words);
    const largest = [...sums.values()].filter(matches).sort((one, other) => other.own - one.own || other.whole - one.whole).slice(0, 15);
    functions.replaceChildren(largest.length === 0 ? h("p", { class: "empty" }, "Nothing of this weight.") : h("table", { class: "cards" },
      h("thead", {}, h("tr", {}, h("th", {}, "Function"), h("th", { class: "number" }, "Directly"), h("th", { class: "number" }, "With what it calls"))),
      h("tbody", {}, largest.map((sum) => h("tr", { class: "plain" }, h("td", { class: "where" }, h("b", {}, down.name(sum.node)), h("span", { class: "place" }, down.module(sum.node))),
        h("td", { class: "number", "data-label": "directly" }, exact(amount(sum.own), sum.own, state.unit)), h("td", { class: "number", "data-label": "in all" }, exact(amount(sum.whole), sum.whole, state.unit)))))));
  };

  const refresh = async (keepRoot) => {
    tree = await treeOf(state.direction === "down" ? state.trees.down : state.trees.up);
    if (!keepRoot) Object.assign(state, { root: 0, selected: 0 });
    const sum = tree.weigh(sumIndex()).whole[0];
    const [label, meaning] = weightWords[state.weight];
    total.replaceChildren(h("b", {}, label), `: ${meaning}. `, exact(amount(sum), sum, state.unit, { "data-flame-total": `${state.weight} ${state.unit}` }), " in all.",
      state.weight === "temporary" && state.unit === "bytes" ? " Bytes of temporary blocks are estimated from the mean size at each place." : "",
      sum === 0 ? " There is nothing to draw." : "");
    pick(state.selected);
    frame.scrollTop = state.layout === "flame" ? frame.scrollHeight : 0;
    await drawFunctions();
  };
  const trees = new Map();
  const treeOf = async (number) => {
    if (!trees.has(number)) trees.set(number, new FlameTree(await chunk(number)));
    return trees.get(number);
  };

  const processName = (trees) => (trees.process === null ? "all together" : data.processes[trees.process].name);
  section.append(h("h2", {}, "Who allocated it"),
    h("div", { class: "controls" },
      data.flames.length > 1 && select("Process", data.flames.map((trees, index) => [index, processName(trees)]), (index) => { state.trees = data.flames[index]; refresh(); }, { "data-filter": "flame-process" }),
      choice("Weight", data.weights.map((weight) => [weight, weightWords[weight][0], weightWords[weight][1]]), state.weight, (weight) => { state.weight = weight; refresh(true); }),
      choice("Unit", [["bytes", "Bytes"], ["blocks", "Blocks"]], state.unit, (unit) => { state.unit = unit; refresh(true); }),
      choice("Direction", [["down", "From the program", "the program's entry is the root"], ["up", "From the allocation", "what called to allocate is the root"]], state.direction, (direction) => { state.direction = direction; refresh(); }),
      choice("Layout", [["flame", "Flame", "roots at the bottom"], ["icicle", "Icicle", "roots on top"]], state.layout, (layout) => { state.layout = layout; draw(); frame.scrollTop = layout === "flame" ? frame.scrollHeight : 0; }),
      searchField("Search functions", (value) => {
        state.words = value.trim().toLowerCase();
        draw();
        drawFunctions();
        if (state.words === "") { pick(state.selected); return; }
        const { own } = tree.weigh(sumIndex());
        let sum = 0;
        const inside = new Uint8Array(tree.count);
        for (let node = 1; node < tree.count; node += 1) {
          inside[node] = inside[tree.parent(node)] || isMatch(node) ? 1 : 0;
          if (inside[node]) sum += own[node];
        }
        status.replaceChildren("Stacks that match hold ", h("b", { "data-match": sum }, amount(sum)), `, ${percentText(sum, tree.weigh(sumIndex()).whole[0])} of all.`);
      }),
      h("button", { type: "button", onclick: () => zoom(0) }, "Reset zoom")),
    total,
    h("div", { class: "card" }, frame, status,
      h("ul", { class: "legend" }, [["the program's or a library's code", 3], ["code of dependencies", 2], ["allocation wrappers", 1], ["runtime libraries", 0]].map(([label, role]) =>
        h("li", {}, h("i", { style: { background: ["hsl(215 16% 62%)", "hsl(275 30% 62%)", "hsl(170 36% 55%)", "hsl(30 74% 62%)"][role] } }), label)))),
    h("div", { class: "card" }, h("h3", {}, "Functions that allocate most themselves"), functions));
  whenRedrawn(draw);
  new ResizeObserver(() => draw()).observe(frame);
  await refresh();
};
