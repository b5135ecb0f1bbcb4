// Memory over time: of one process, by place, and of the whole tree.

const timeView = async (section) => {
  const histories = await chunk(data.memory.time);
  section.append(h("h2", {}, "Memory over time"));
  if (histories.length === 0) {
    section.append(h("div", { class: "card empty" }, "This file holds no samples over time. Recordings of this version of Stanch do."));
    return;
  }
  const place = h("div");
  const show = (history) => place.replaceChildren(...processCards(history));
  const largest = histories.reduce((one, other) => (Math.max(...other.heap, 0) > Math.max(...one.heap, 0) ? other : one));
  if (histories.length > 1) {
    section.append(treeCard(histories), h("div", { class: "controls" }, select("Process", histories.map((history, index) => [index, data.processes[history.process].name]), (index) => show(histories[index]), { "data-filter": "time-process" })));
    section.querySelector("[data-filter=time-process]").value = String(histories.indexOf(largest));
  }
  section.append(place);
  show(largest);
};

/** When the last was seen of a process; the moment after that is spent on deciding what is lost. */
const endOf = (history) => Math.max(1, history.at_ms[history.at_ms.length - 1] ?? 0, ...history.snapshots.map((mark) => mark.at_ms));
const liveBytes = (history) => history.heap.map((heap, index) => heap + history.mapped[index]);

const processCards = (history) => {
  const live = liveBytes(history);
  const resident = history.resident.map((bytes) => (bytes > 0 ? bytes : null));
  const end = endOf(history);
  const facts = data.processes[history.process];
  const sampledMost = Math.max(...live);
  const gap = history.at_ms.length > 1 ? (history.at_ms[history.at_ms.length - 1] - history.at_ms[0]) / (history.at_ms.length - 1) : 0;
  const cards = [h("div", { class: "card", "data-chart": "live" },
    h("h3", {}, "Live and resident memory"),
    ...chart({ label: `Live and resident memory of ${facts.name} over ${durationText(end)}; live at most ${bytesText(sampledMost)}`, at: history.at_ms, unit: "bytes", to: end, marks: history.snapshots,
      series: [{ name: "live: not freed", values: live, isArea: true }, { name: "resident: in memory, code and files included", values: resident }] }),
    h("p", { class: "note" }, `${plural(history.at_ms.length, "sample", "samples")}, ${gap < 10 ? "a few milliseconds" : `${durationText(gap)} on average`} apart; what happened between them is not known. `,
      "The highest mark that the recorder itself saw is ", exactBytes(facts.peak_bytes, { "data-peak": history.process }), " from malloc and its like. ",
      history.snapshots.length > 0 && `Dashed: ${history.snapshots.map((mark) => `${mark.reason} after ${durationText(mark.at_ms)}${mark.pause_ns > 0 ? ` (stood still for ${(mark.pause_ns / 1e6).toFixed(1)} ms)` : ""}`).join("; ")}.`))];
  const counted = history.blocks.map((blocks, index) => (blocks === null ? -1 : index)).filter((index) => index >= 0);
  if (counted.length > 1 && history.places.length > 0) {
    const at = counted.map((index) => history.at_ms[index]);
    const all = counted.map((index) => live[index]);
    const rest = all.map((bytes, index) => Math.max(0, bytes - history.places.reduce((sum, one) => sum + one.bytes[index], 0)));
    cards.push(h("div", { class: "card", "data-chart": "places" }, h("h3", {}, "Live memory by place"),
      ...chart({ label: "Live memory by the function that owns it", at, unit: "bytes", to: end,
        series: [{ name: "everything else", values: rest, isArea: true, color: restColor }, ...history.places.map((one) => ({ name: one.function, title: one.place, values: one.bytes, isArea: true, }))] }),
      h("p", { class: "note" }, "The places that held most at any sample. A place is the function that owns an allocation: neither a runtime library nor a wrapper of an allocator.")));
    const rates = counted.map((index, position) => {
      const before = counted[position - 1];
      const time = before === undefined ? 0 : history.at_ms[index] - history.at_ms[before];
      return time > 0 ? (1000 * (history.allocations[index] - history.allocations[before])) / time : null;
    });
    cards.push(h("div", { class: "two" },
      h("div", { class: "card", "data-chart": "blocks" }, h("h3", {}, "Live blocks"), ...chart({ label: "Live blocks", at, unit: "count", to: end, series: [{ name: "blocks", values: counted.map((index) => history.blocks[index]), isArea: true }] })),
      h("div", { class: "card", "data-chart": "rate" }, h("h3", {}, "Allocations a second"), ...chart({ label: "Allocations a second", at, unit: "count", to: end, series: [{ name: "allocations a second", values: rates, isArea: false }] }))));
  }
  return cards;
};

/** Resident memory of the tree, or live memory where that is not known, process upon process. */
const treeCard = (histories) => {
  const SLOTS = 240;
  const end = Math.max(1, ...histories.map((history) => history.started_ms + endOf(history)));
  const at = Array.from({ length: SLOTS + 1 }, (_, slot) => (slot * end) / SLOTS);
  const series = histories.map((history) => {
    const live = liveBytes(history);
    let point = 0;
    let last = 0;
    const values = at.map((ms) => {
      const own = ms - history.started_ms;
      if (own < 0 || own > endOf(history) + end / SLOTS) return 0;
      while (point < history.at_ms.length && history.at_ms[point] <= own) {
        last = live[point];
        point += 1;
      }
      return last || live[0] || 0;
    });
    return { name: data.processes[history.process].name, values, isArea: true, most: Math.max(...values) };
  }).sort((one, other) => other.most - one.most);
  const shown = series.slice(0, 7);
  const others = series.slice(7);
  if (others.length > 0) {
    shown.unshift({ name: plural(others.length, "other process", "other processes"), values: at.map((_, slot) => others.reduce((sum, one) => sum + one.values[slot], 0)), isArea: true, color: restColor });
  }
  return h("div", { class: "card", "data-chart": "tree" }, h("h3", {}, "Live memory of the process tree"), ...chart({ label: "Live memory of all processes, one upon the other", at, unit: "bytes", to: end, series: shown }));
};
