// The views of a comparison: name, title, how many entries, and what fills it.

const views = [
  ["summary", "Summary", null, comparedView],
  ["changes", "Changes", data.changes.count, changesView],
  ["flame", "Flame graph", null, differenceView],
  ["unseen", "Not seen", data.sides.reduce((sum, side) => sum + side.unseen.length + side.unseen_left_out, 0), comparedUnseenView],
];
const chartKeys = [["arrows", "in a flame graph: move"]];
const moreWords = data.categories.map(({ category, meaning }) => [category, meaning]);
