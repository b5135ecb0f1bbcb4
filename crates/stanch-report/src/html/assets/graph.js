// Stacks as boxes: the width is the weight, a box stands on its caller (or hangs from it).

const SMALL = "(too small to show)";

/** A tree of functions; what its nodes weigh follows from what ends in each. */
class FlameTree {
  constructor(packed) {
    this.packed = packed;
    this.count = packed.parents.length + 1;
    this.children = Array.from({ length: this.count }, () => null);
    packed.parents.forEach((parent, index) => (this.children[parent] ??= []).push(index + 1));
    this.sums = new Map();
  }
  /** Own and whole sums of every node, of one of the packed weights. */
  weigh(weight) {
    if (!this.sums.has(weight)) {
      const [nodes, values] = this.packed.own[weight];
      const own = new Float64Array(this.count);
      nodes.forEach((node, index) => { own[node] = values[index]; });
      this.sums.set(weight, this.addUp(own));
    }
    return this.sums.get(weight);
  }
  /** Parents come first, so one pass backwards adds up. */
  addUp(own) {
    const whole = own.slice();
    for (let node = this.count - 1; node > 0; node -= 1) whole[this.packed.parents[node - 1]] += whole[node];
    return { own, whole };
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
  /** True where name or module holds the words, which are in small letters. */
  matches(node, words) {
    return words !== "" && node > 0 && `${this.name(node)} ${this.module(node)}`.toLowerCase().includes(words);
  }
  /** Children that weigh something: the heaviest first, what is too small to show last. */
  heaviest(node, whole, least = 0) {
    return (this.children[node] ?? []).filter((child) => whole[child] > 0 && whole[child] >= least)
      .sort((one, other) => (this.frame(one) === null) - (this.frame(other) === null) || whole[other] - whole[one] || one - other);
  }
  /**
   * Sums of each function over the whole tree, of several weights at once. Whole sums count a function once in each
   * stack, however often it calls itself.
   */
  functions(weights) {
    const sums = new Map();
    const entered = new Map();
    const open = [{ node: 0, leaves: false }];
    while (open.length > 0) {
      const { node, leaves } = open.pop();
      const key = node === 0 ? -1 : this.packed.functions[node - 1];
      const depth = entered.get(key) ?? 0;
      if (leaves) { entered.set(key, depth - 1); continue; }
      if (weights.every(({ whole }) => whole[node] === 0)) continue;
      if (key >= 0) {
        const sum = sums.get(key) ?? { node, own: weights.map(() => 0), whole: weights.map(() => 0) };
        weights.forEach(({ own, whole }, index) => {
          sum.own[index] += own[node];
          if (depth === 0) sum.whole[index] += whole[node];
        });
        sums.set(key, sum);
      }
      entered.set(key, depth + 1);
      open.push({ node, leaves: true }, ...(this.children[node] ?? []).map((child) => ({ node: child, leaves: false })));
    }
    return [...sums.values()];
  }
}

/** The trees of a page, each unpacked once. */
const unpackedTrees = new Map();
const treeOf = async (number) => {
  if (!unpackedTrees.has(number)) unpackedTrees.set(number, new FlameTree(await chunk(number)));
  return unpackedTrees.get(number);
};

/** As much of a text as there is room for. */
const fitted = (pen, text, room) => {
  const whole = pen.measureText(text).width;
  if (whole <= room) return text;
  let length = Math.floor((text.length * room) / whole);
  while (length > 1 && pen.measureText(`${text.slice(0, length)}…`).width > room) length -= 1;
  return `${text.slice(0, length)}…`;
};

/**
 * A graph that can be zoomed, searched and walked through by keys. `look` has the `color` of a node, the `label` in its
 * box, and the words that `describe` it. `show` gives it a tree and what the boxes weigh.
 */
const flameGraph = (section, look) => {
  const ROW = 20;
  const state = { tree: null, sums: null, layout: "flame", words: "", root: 0, selected: 0 };
  let boxes = [];
  const canvas = h("canvas", { tabindex: 0, role: "application", "aria-label": "Flame graph. Arrow keys move, Enter zooms in, Escape zooms out." });
  const frame = h("div", { class: "flame" }, canvas);
  const status = h("div", { class: "status", role: "status", "aria-live": "polite" });

  const color = (node, isMatch) => {
    if (node === 0 || state.tree.frame(node) === null) return isDark() ? "#353c47" : "#dcdfe3";
    return isMatch ? (isDark() ? "#e4cf4a" : "#ffe04a") : look.color(node);
  };
  /** Lays out what is below the root of the zoom, and the path above it. */
  const layOut = (width) => {
    const { tree, sums: { whole } } = state;
    const path = [];
    for (let node = tree.parent(state.root); node >= 0; node = tree.parent(node)) path.unshift(node);
    boxes = path.map((node, depth) => ({ node, depth, x: 0, width, isPath: true }));
    const open = [{ node: state.root, depth: path.length, x: 0, width }];
    const scale = whole[state.root] > 0 ? width / whole[state.root] : 0;
    while (open.length > 0) {
      const box = open.pop();
      boxes.push(box);
      let x = box.x;
      for (const child of scale > 0 ? tree.heaviest(box.node, whole, 0.4 / scale) : []) {
        open.push({ node: child, depth: box.depth + 1, x, width: whole[child] * scale });
        x += whole[child] * scale;
      }
    }
  };
  const draw = () => {
    if (!state.tree || frame.clientWidth === 0) return;
    const width = frame.clientWidth;
    layOut(width);
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
    const dark = isDark();
    for (const box of boxes) {
      const isMatch = state.tree.matches(box.node, state.words);
      box.y = state.layout === "flame" ? height - (box.depth + 1) * ROW - 2 : box.depth * ROW + 2;
      const wide = Math.max(box.width - 1, 0.6);
      pen.globalAlpha = box.isPath ? 0.55 : 1;
      pen.fillStyle = color(box.node, isMatch);
      pen.fillRect(box.x, box.y, wide, ROW - 1);
      if (box.node === state.selected) {
        pen.globalAlpha = 1;
        pen.strokeStyle = dark ? "#ffffff" : "#111111";
        pen.lineWidth = 2;
        pen.strokeRect(box.x + 1, box.y + 1, Math.max(wide - 2, 1), ROW - 3);
      }
      if (box.width > 34) {
        pen.fillStyle = isMatch ? "#1a1a1a" : dark ? "#f2f3f5" : "#1a1f27";
        pen.fillText(fitted(pen, look.label(box.node), box.width - 8), box.x + 4, box.y + ROW / 2);
      }
    }
    pen.globalAlpha = 1;
    section.dataset.root = String(state.root);
  };

  const scroll = () => { frame.scrollTop = state.layout === "flame" ? frame.scrollHeight : 0; };
  const pick = (node) => {
    state.selected = node;
    status.replaceChildren(...look.describe(node));
    draw();
  };
  const zoom = (node) => {
    state.root = node;
    pick(node);
    scroll();
  };
  const at = (event) => {
    const area = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - area.left, event.clientY - area.top];
    return boxes.find((box) => y >= box.y && y < box.y + ROW && x >= box.x && x < box.x + box.width);
  };
  canvas.addEventListener("mousemove", (event) => {
    const box = at(event);
    canvas.style.cursor = box ? "pointer" : "";
    if (box) showTip(event.clientX, event.clientY, ...look.describe(box.node));
    else hideTip();
  });
  canvas.addEventListener("mouseleave", hideTip);
  canvas.addEventListener("click", (event) => {
    const box = at(event);
    if (box) zoom(box.node);
  });
  canvas.addEventListener("keydown", (event) => {
    const { tree, sums: { whole } } = state;
    const [inward, outward] = state.layout === "flame" ? ["ArrowUp", "ArrowDown"] : ["ArrowDown", "ArrowUp"];
    const parent = tree.parent(state.selected);
    const siblings = parent >= 0 ? tree.heaviest(parent, whole) : [state.selected];
    const place = siblings.indexOf(state.selected);
    const moves = { [inward]: tree.heaviest(state.selected, whole)[0], [outward]: parent, ArrowLeft: siblings[place - 1], ArrowRight: siblings[place + 1], Home: state.root };
    const move = moves[event.key];
    if (move !== undefined && move >= 0) pick(move);
    else if (event.key === "Enter") zoom(state.selected);
    else if ((event.key === "Escape" || event.key === "Backspace") && state.root !== 0) zoom(Math.max(0, tree.parent(state.root)));
    else if (!Object.hasOwn(moves, event.key)) return;
    event.preventDefault();
  });
  whenRedrawn(draw);
  // A window that grows and shrinks again leaves the view at the far end, where there may be nothing.
  new ResizeObserver(() => {
    draw();
    scroll();
  }).observe(frame);

  return {
    frame, status, zoom,
    show: (tree, sums, keepRoot) => {
      Object.assign(state, { tree, sums, ...(keepRoot ? {} : { root: 0, selected: 0 }) });
      pick(state.selected);
      scroll();
    },
    layOutAs: (layout) => {
      state.layout = layout;
      draw();
      scroll();
    },
    /** Marks what matches; gives what each stack through it weighs, once, by the `own` sums that are given. */
    search: (words, owns) => {
      state.words = words.trim().toLowerCase();
      draw();
      if (state.words === "") {
        pick(state.selected);
        return null;
      }
      const { tree } = state;
      const inside = new Uint8Array(tree.count);
      const found = owns.map(() => 0);
      for (let node = 1; node < tree.count; node += 1) {
        inside[node] = inside[tree.parent(node)] || tree.matches(node, state.words) ? 1 : 0;
        if (inside[node]) owns.forEach((own, index) => { found[index] += own[node]; });
      }
      return found;
    },
    words: () => state.words,
  };
};

/** Choices that every flame graph has. */
const directionChoice = (chosen, change) => choice("Direction", [["down", "From the program", "the program's entry is the root"], ["up", "From the allocation", "what called to allocate is the root"]], chosen, change);
const layoutChoice = (graph) => choice("Layout", [["flame", "Flame", "roots at the bottom"], ["icicle", "Icicle", "roots on top"]], "flame", graph.layOutAs);
const unitChoice = (chosen, change) => choice("Unit", [["bytes", "Bytes"], ["blocks", "Blocks"]], chosen, change);

const weightWords = {
  lost: ["Lost", "definitely or indirectly lost when last seen"],
  "possibly lost": ["Possibly lost", "only pointers to the middle were left"],
  live: ["Live", "not freed when last seen"],
  allocated: ["Allocated", "over the whole life"],
  peak: ["Peak", "live at the sampled moment when most was live"],
  temporary: ["Temporary", "freed before the same thread allocated again"],
};
const weightChoice = (weights, chosen, change) => choice("Weight", weights.map((weight) => [weight, ...weightWords[weight]]), chosen, change);
