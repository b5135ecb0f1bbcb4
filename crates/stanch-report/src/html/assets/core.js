// What all views use: the data, elements, numbers for people.

/** What stands in the page unpacked. */
const data = JSON.parse(document.getElementById("overview").textContent);

/** Makes an element. Text becomes text, never markup; `on…` attributes are listeners; null and false are left out. */
const h = (tag, attributes, ...children) => {
  const svg = tag.startsWith("svg:");
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
};

/** Three digits, as the text report has them. */
const threeDigits = (number) => number.toFixed(number < 0.9995 ? 3 : number < 9.995 ? 2 : number < 99.95 ? 1 : 0);
const plural = (count, one, many) => `${grouped(count)} ${count === 1 ? one : many}`;
const grouped = (number) => Number(number).toLocaleString("en-US");

/** `64 bytes`, `1.40 MiB`. */
const bytesText = (bytes) => {
  if (bytes < 1024) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let scaled = bytes / 1024;
  let unit = 0;
  while (scaled >= 999.5 && unit + 1 < units.length) {
    scaled /= 1024;
    unit += 1;
  }
  return `${threeDigits(scaled)} ${units[unit]}`;
};

/** `950`, `12.3 k`, `1.40 M`: counts of more than three digits. */
const countText = (count) => {
  if (count < 1000) return String(count);
  const units = ["k", "M", "G", "T"];
  let scaled = count / 1000;
  let unit = 0;
  while (scaled >= 999.5 && unit + 1 < units.length) {
    scaled /= 1000;
    unit += 1;
  }
  return `${threeDigits(scaled)} ${units[unit]}`;
};
const blocksText = (blocks) => `${countText(blocks)} ${blocks === 1 ? "block" : "blocks"}`;
const amountText = (bytes, blocks) => `${bytesText(bytes)} in ${blocksText(blocks)}`;
const percentText = (part, all) => {
  const percent = all > 0 ? (100 * part) / all : 0;
  if (percent > 99 && part < all) return "> 99 %";
  return percent > 0 && percent < 0.1 ? "< 0.1 %" : `${percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} %`;
};
const durationText = (ms) => {
  const seconds = ms / 1000;
  if (seconds < 1) return `${Math.round(ms)} ms`;
  if (seconds < 60) return `${threeDigits(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
};

/** A number for people; the exact one on hovering, and for whoever reads the page by program. */
const exact = (text, value, unit, attributes) =>
  h("span", { "data-value": value, title: `${grouped(value)} ${unit}`, ...attributes }, text);
const exactBytes = (bytes, attributes) => exact(bytesText(bytes), bytes, bytes === 1 ? "byte" : "bytes", attributes);
const exactCount = (count, unit, attributes) => exact(countText(count), count, unit, attributes);

/** Prose in which names stand between backticks. */
const prose = (text) => text.split(/`([^`]*)`/).map((part, index) => (index % 2 === 1 ? h("code", {}, part) : part));

const kinds = new Map(data.kinds.map((kind) => [kind.kind, kind]));
const kindLabel = (name) => {
  const kind = kinds.get(name);
  return h("span", { class: `kind ${kind.severity}`, title: kind.meaning }, kind.title);
};

/** The elements with packed data follow the script, so that the page is seen before they are read. */
const loaded = new Promise((resolve) => {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", resolve, { once: true });
  else resolve();
});
const unpacked = new Map();

/** Unpacks a piece of the page's data, once. */
const chunk = (number) => {
  if (!unpacked.has(number)) unpacked.set(number, unpack(number));
  return unpacked.get(number);
};
const unpack = async (number) => {
  const id = `chunk-${number}`;
  const next = () => document.getElementById(`chunk-${number + 1}`);
  if (!next()) await loaded;
  const element = document.getElementById(id);
  const text = atob(element.textContent);
  element.remove();
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
};

/** A choice of one, as a row of buttons. */
const choice = (label, options, chosen, change) => {
  const buttons = options.map(([value, text, title]) =>
    h("button", { type: "button", "data-choice": value, "aria-pressed": value === chosen ? "true" : "false", title,
      onclick: (event) => {
        for (const button of buttons) button.setAttribute("aria-pressed", button === event.currentTarget ? "true" : "false");
        change(value);
      } }, text));
  return h("span", { class: "group", role: "group", "aria-label": label }, buttons);
};

/** A choice of one of many. */
const select = (label, options, change, attributes) => {
  const list = h("select", { onchange: (event) => change(event.target.value), ...attributes },
    options.map(([value, text]) => h("option", { value }, text)));
  return h("label", {}, label, list);
};

/** A search field that waits for a pause in typing. */
const searchField = (label, change) => {
  let timer = 0;
  return h("input", { type: "search", placeholder: label, "aria-label": label, spellcheck: "false", autocomplete: "off",
    oninput: (event) => {
      clearTimeout(timer);
      timer = setTimeout(() => change(event.target.value), 120);
    } });
};

const redrawers = new Set();
/** Calls `draw` when colours or widths change. */
const whenRedrawn = (draw) => redrawers.add(draw);
const redraw = () => redrawers.forEach((draw) => draw());
const isDark = () => {
  const theme = document.documentElement.dataset.theme;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

/** Colours that are told apart by most eyes, in light and dark. */
const palette = () =>
  isDark()
    ? ["#6ea8e0", "#f0a35e", "#6fc993", "#d58bd0", "#e0c25b", "#66c7cc", "#ec8a8a", "#a79bea"]
    : ["#2f6fb0", "#c9701c", "#2f8a57", "#9a4a96", "#9a7d0a", "#1c878d", "#b94444", "#6355bd"];
const restColor = () => (isDark() ? "#4a525e" : "#c3c8ce");

/** A box beside the pointer. */
const tip = h("div", { class: "tip", role: "presentation", hidden: true });
const showTip = (x, y, ...children) => {
  tip.replaceChildren(...children);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(x + 14, innerWidth - width - 8))}px`;
  tip.style.top = `${y + 18 + height > innerHeight ? Math.max(8, y - height - 10) : y + 18}px`;
};
const hideTip = () => {
  tip.hidden = true;
};
