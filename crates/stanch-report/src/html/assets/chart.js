// Lines and stacked areas over time, as SVG.

/** Round steps for an axis: powers of two for bytes, one, two and five for the rest. */
const ticks = (most, wanted, isBytes) => {
  if (most <= 0) return [0];
  let step = 1;
  if (isBytes) {
    while (most / step > wanted) step *= 2;
  } else {
    const power = 10 ** Math.floor(Math.log10(most / wanted));
    step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => most / one <= wanted) ?? 10 * power;
  }
  const found = [];
  for (let value = 0; value <= most * 1.0001; value += step) found.push(value);
  return found;
};

/**
 * Draws a chart that keeps to the width of its place.
 * `series`: name, values (null where not known), color, and whether it is an area that stands on those before it.
 */
const chart = ({ label, at, series, marks = [], unit, from = 0, to }) => {
  const host = h("div", { class: "chart", tabindex: 0, role: "img", "aria-label": label });
  const HEIGHT = 250;
  const text = unit === "bytes" ? bytesText : countText;
  const end = Math.max(to ?? at[at.length - 1] ?? 1, from + 1);
  const stacked = [];
  let below = at.map(() => 0);
  for (const one of series) {
    const top = one.isArea ? one.values.map((value, index) => below[index] + (value ?? 0)) : one.values;
    stacked.push({ ...one, bottom: below, top });
    if (one.isArea) below = top;
  }
  const most = Math.max(1, ...stacked.flatMap((one) => one.top.filter((value) => value !== null))) * 1.06;
  let cursor = -1;

  const draw = () => {
    const width = Math.max(host.clientWidth, 220);
    const narrow = width < 520;
    const box = { left: 66, right: width - 10, top: 14, bottom: HEIGHT - 26 };
    const x = (ms) => box.left + ((ms - from) / (end - from)) * (box.right - box.left);
    const y = (value) => box.bottom - (value / most) * (box.bottom - box.top);
    const colors = palette();
    const paint = (index) => series[index].color?.() ?? colors[index % colors.length];
    const svg = h("svg:svg", { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, "aria-hidden": "true" });
    for (const value of ticks(most, 5, unit === "bytes")) {
      svg.append(h("svg:line", { class: "grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) }),
        h("svg:text", { x: box.left - 8, y: y(value) + 4, "text-anchor": "end" }, value === 0 ? "0" : text(value)));
    }
    for (const value of ticks(end - from, narrow ? 3 : 7, false)) {
      svg.append(h("svg:text", { x: x(from + value), y: HEIGHT - 8, "text-anchor": value === 0 ? "start" : x(from + value) > box.right - 20 ? "end" : "middle" }, value === 0 ? "0" : durationText(value)));
    }
    const line = (values) => {
      let path = "";
      let isOpen = false;
      values.forEach((value, index) => {
        if (value === null) { isOpen = false; return; }
        path += `${isOpen ? "L" : "M"}${x(at[index]).toFixed(1)} ${y(value).toFixed(1)}`;
        isOpen = true;
      });
      return path;
    };
    stacked.forEach((one, index) => {
      if (one.isArea) {
        const back = at.map((ms, place) => `L${x(ms).toFixed(1)} ${y(one.bottom[place]).toFixed(1)}`).reverse().join("");
        svg.append(h("svg:path", { d: `${line(one.top)}${back}Z`, fill: paint(index), "fill-opacity": series.length === 1 ? 0.35 : 0.78 }));
      }
      svg.append(h("svg:path", { d: line(one.top), fill: "none", stroke: paint(index), "stroke-width": one.isArea ? 1 : 2, "stroke-linejoin": "round" }));
      if (at.length < 40 && !one.isArea) one.top.forEach((value, place) => value !== null && svg.append(h("svg:circle", { cx: x(at[place]), cy: y(value), r: 2.2, fill: paint(index) })));
    });
    marks.forEach((mark, index) => {
      const place = Math.min(x(mark.at_ms), box.right);
      svg.append(h("svg:line", { class: "mark", x1: place, x2: place, y1: box.top, y2: box.bottom }, h("svg:title", {}, `${mark.reason}, at ${durationText(mark.at_ms)}`)),
        h("svg:text", { x: place - 3, y: box.top + 8 + 14 * (index % 3), "text-anchor": "end" }, narrow ? `${index + 1}` : mark.reason));
    });
    svg.append(h("svg:line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
    if (cursor >= 0) svg.append(h("svg:line", { class: "cursor", x1: x(at[cursor]), x2: x(at[cursor]), y1: box.top, y2: box.bottom }));
    host.replaceChildren(svg);
    host.place = { x, box };
  };
  const say = (clientX, clientY) => {
    const colors = palette();
    const rows = series.map((one, index) => [one, index]).filter(([one]) => one.values[cursor] !== null).reverse();
    showTip(clientX, clientY, `after ${durationText(at[cursor])}`,
      ...rows.map(([one, index]) => h("div", {}, h("span", { style: { color: one.color?.() ?? colors[index % colors.length] } }, "■ "), `${one.name}: ${text(one.values[cursor])}`)));
  };
  const nearest = (clientX) => {
    const offset = clientX - host.getBoundingClientRect().left;
    let best = 0;
    at.forEach((ms, index) => { if (Math.abs(host.place.x(ms) - offset) < Math.abs(host.place.x(at[best]) - offset)) best = index; });
    return best;
  };
  const moveTo = (index, clientX, clientY) => {
    cursor = index;
    draw();
    say(clientX, clientY);
  };
  const leave = () => { cursor = -1; hideTip(); draw(); };
  host.addEventListener("mousemove", (event) => at.length > 0 && moveTo(nearest(event.clientX), event.clientX, event.clientY));
  host.addEventListener("mouseleave", leave);
  host.addEventListener("blur", leave);
  host.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || at.length === 0) return;
    event.preventDefault();
    const index = Math.max(0, Math.min(at.length - 1, cursor + step));
    const area = host.getBoundingClientRect();
    cursor = index;
    moveTo(index, area.left + host.place.x(at[index]), area.top + 20);
  });
  whenRedrawn(draw);
  new ResizeObserver(draw).observe(host);
  const legend = h("ul", { class: "legend" });
  const drawLegend = () => {
    const colors = palette();
    legend.replaceChildren(...series.map((one, index) => h("li", { title: one.title ?? null }, h("i", { style: { background: one.color?.() ?? colors[index % colors.length] } }), h("span", { class: "name" }, one.name))));
  };
  drawLegend();
  whenRedrawn(drawLegend);
  return [host, legend];
};
