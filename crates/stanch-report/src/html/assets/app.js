// Puts the page together: its views, keys, theme, print.

const main = document.getElementById("main");
const tabs = document.getElementById("tabs");
const root = document.documentElement;
let current = "";

const sections = new Map();
const tabOf = new Map();
for (const [name, label, count] of views) {
  const section = h("section", { class: "view", id: `view-${name}`, role: "tabpanel", "aria-labelledby": `tab-${name}`, hidden: true });
  const tab = h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `view-${name}`, "aria-selected": "false", tabindex: -1, onclick: () => openView(name) },
    label, count !== null && h("span", { class: "count" }, grouped(count)));
  sections.set(name, section);
  tabOf.set(name, tab);
  tabs.append(tab);
  main.append(section);
}

/** Builds a view, once. */
const built = new Map();
const build = (name) => {
  if (!built.has(name)) {
    const section = sections.get(name);
    const work = async () => {
      try {
        await views.find(([one]) => one === name)[3](section);
      } catch (error) {
        section.append(h("div", { class: "card" }, h("h3", {}, "This view cannot be shown"), h("p", {}, String(error)), h("p", { class: "note" }, "The browser may be too old (it needs DecompressionStream, of 2023), or the file may be cut off.")));
      }
      section.dataset.loaded = "true";
    };
    built.set(name, work());
  }
  return built.get(name);
};
const openView = async (name) => {
  current = name;
  for (const [other, section] of sections) {
    section.hidden = other !== name;
    tabOf.get(other).setAttribute("aria-selected", other === name ? "true" : "false");
    tabOf.get(other).tabIndex = other === name ? 0 : -1;
  }
  hideTip();
  history.replaceState(null, "", `#${name}`);
  tabOf.get(name).scrollIntoView({ block: "nearest", inline: "center" });
  await build(name);
  root.dataset.view = name;
};

tabs.addEventListener("keydown", (event) => {
  const names = views.map(([name]) => name);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const next = step ? names[(names.indexOf(current) + step + names.length) % names.length] : { Home: names[0], End: names[names.length - 1] }[event.key];
  if (!next) return;
  event.preventDefault();
  openView(next);
  tabOf.get(next).focus();
});

const setTheme = (theme) => {
  root.dataset.theme = theme;
};
new MutationObserver(redraw).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
const help = document.getElementById("help");
const words = data.kinds.filter((kind) => ["definitely_lost", "indirectly_lost", "possibly_lost", "still_reachable", "live"].includes(kind.kind));
help.append(h("h2", { id: "help-title" }, "Keys and words"),
  h("dl", { class: "facts" }, [[`1 to ${views.length}`, "views, in their order"], ["/", "search in this view"], ...chartKeys, ["Enter, Esc", "in a flame graph: zoom in, out"], ["t", "light or dark"], ["?", "this help"]]
    .map(([key, meaning]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, meaning)])),
  h("h3", {}, "Words"), h("dl", { class: "facts" }, [...moreWords, ...words.map((kind) => [kind.title, `${kind.meaning} ${kind.advice}`])].map(([word, meaning]) => [h("dt", {}, word), h("dd", {}, meaning)])),
  h("p", {}, h("button", { type: "button", onclick: () => help.close() }, "Close")));

/** Everything on paper: all views are built first. */
const printAll = async () => {
  for (const [name] of views) await build(name);
  root.dataset.printable = "true";
  print();
};
let themeBefore;
addEventListener("beforeprint", () => {
  themeBefore = root.dataset.theme;
  for (const section of sections.values()) if (section.dataset.loaded) section.hidden = false;
  root.dataset.theme = "light";
  redraw();
});
addEventListener("afterprint", () => {
  if (themeBefore) root.dataset.theme = themeBefore;
  else delete root.dataset.theme;
  for (const [name, section] of sections) section.hidden = name !== current;
  redraw();
});

document.getElementById("theme").addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
document.getElementById("print").addEventListener("click", printAll);
document.getElementById("help-button").addEventListener("click", () => help.showModal());
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) {
    if ((event.ctrlKey || event.metaKey) && event.key === "p") {
      event.preventDefault();
      printAll();
    }
    return;
  }
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName ?? "")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const view = views[Number(event.key) - 1];
  if (view) openView(view[0]);
  else if (event.key === "/") {
    const field = sections.get(current).querySelector("input[type=search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
  } else if (event.key === "?") help.showModal();
  else if (event.key === "t") setTheme(isDark() ? "light" : "dark");
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

document.getElementById("foot").append(`Made by Stanch ${data.tool_version}. This page is complete in itself: it loads nothing and sends nothing.`);
document.body.append(tip);
const wanted = location.hash.slice(1);
openView(sections.has(wanted) ? wanted : "summary");
