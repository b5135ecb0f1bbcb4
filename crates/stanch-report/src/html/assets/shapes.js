// How large blocks are, and how long they live.

const lifetimeNames = (() => {
  const names = ["freed before the next allocation"];
  let limit = 50;
  for (let bucket = 1; bucket < 12; bucket += 1) {
    names.push(`less than ${durationText(limit)}`);
    limit *= 4;
  }
  names.push("longer");
  return names;
})();

const sizeName = (log2) => {
  if (log2 === 0) return "up to 1 byte";
  const unit = ["", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"];
  const short = (power) => `${2 ** (power % 10)}${unit[Math.floor(power / 10)]}`;
  return log2 < 10 ? `${2 ** log2} to ${2 ** (log2 + 1) - 1} bytes` : `from ${short(log2)}`;
};

const shapesView = async (section) => {
  const shapes = await chunk(data.memory.shapes);
  const state = { process: "", unit: "blocks" };
  const sizes = h("div", { class: "bars" });
  const lifetimes = h("div", { class: "bars" });
  const sum = (field) => {
    const all = new Map();
    for (const one of shapes) {
      if (state.process !== "" && one.process !== Number(state.process)) continue;
      for (const [key, blocks, bytes] of field(one)) {
        const [knownBlocks, knownBytes] = all.get(key) ?? [0, 0];
        all.set(key, [knownBlocks + blocks, knownBytes + bytes]);
      }
    }
    return all;
  };
  const bars = (host, rows, text, unit) => {
    const most = Math.max(...rows.map(([, value]) => value), 1);
    const total = rows.reduce((sum, [, value]) => sum + value, 0);
    host.replaceChildren(...rows.flatMap(([name, value, key]) => [h("span", {}, name),
      h("span", { class: "track" }, value > 0 && h("i", { style: { width: `${(100 * value) / most}%` } })),
      h("span", { class: "number" }, exact(text(value), value, unit, { "data-bar": key }), h("span", { class: "muted" }, `${percentText(value, total)}`))]));
    if (total === 0) host.replaceChildren(h("p", { class: "empty", style: { "grid-column": "1 / -1" } }, "There are none."));
  };
  const draw = () => {
    const found = sum((one) => one.sizes);
    const classes = [...found.keys()];
    const rows = [];
    for (let log2 = Math.min(...classes); log2 <= Math.max(...classes); log2 += 1) {
      const [blocks, bytes] = found.get(log2) ?? [0, 0];
      rows.push([sizeName(log2), state.unit === "bytes" ? bytes : blocks, log2]);
    }
    bars(sizes, rows, state.unit === "bytes" ? bytesText : countText, state.unit);
    const lives = sum((one) => one.lifetimes.map((blocks, bucket) => [bucket, blocks, 0]));
    const kept = sum((one) => [["kept", one.kept, 0]]).get("kept")?.[0] ?? 0;
    const last = Math.max(0, ...[...lives].filter(([, [blocks]]) => blocks > 0).map(([bucket]) => bucket));
    const lifeRows = lifetimeNames.slice(0, last + 1).map((name, bucket) => [name, lives.get(bucket)?.[0] ?? 0, `life-${bucket}`]);
    bars(lifetimes, [...lifeRows, ["not freed", kept, "kept"]], countText, "blocks");
  };
  section.append(h("h2", {}, "Sizes and lifetimes"),
    h("div", { class: "controls" },
      manyProcesses && select("Process", [["", "all together"], ...data.processes.map((process, index) => [index, process.name])], (value) => { state.process = value; draw(); }, { "data-filter": "shapes-process" }),
      choice("Unit of the sizes", [["blocks", "Blocks"], ["bytes", "Bytes"]], state.unit, (unit) => { state.unit = unit; draw(); })),
    h("div", { class: "two" },
      h("div", { class: "card", "data-chart": "sizes" }, h("h3", {}, "Sizes of what was not freed"), sizes,
        h("p", { class: "note" }, "Requested sizes, at the last look at each process.")),
      h("div", { class: "card", "data-chart": "lifetimes" }, h("h3", {}, "How long blocks lived"), lifetimes,
        h("p", { class: "note" }, "All blocks that were allocated. Those freed before their thread allocated again are temporary: each might have been a variable, or one buffer used again. Mappings count where they are left."))));
  draw();
};
