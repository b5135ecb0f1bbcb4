// What was not seen: one card a reason.

const gapCard = (one) => h("div", { class: "card", "data-gap": true }, h("h3", {}, prose(one.why)),
  h("ul", {}, one.what.map(([what, processes]) => h("li", {}, prose(what), processes > 1 && h("span", { class: "muted" }, ` (in ${processes} processes)`)))));
