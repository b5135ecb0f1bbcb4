// The views of a report: name, title, how many entries, and what fills it.

const views = [
  ["summary", "Summary", null, summaryView],
  ["findings", "Findings", data.findings.count, findingsView],
  ["flame", "Flame graph", null, flameView],
  ["time", "Over time", null, timeView],
  ["shapes", "Sizes and lifetimes", null, shapesView],
  ["processes", "Processes", data.processes.length, processesView],
  ["unseen", "Not seen", data.unseen.length + data.unseen_left_out, unseenView],
];
const chartKeys = [["arrows", "in a flame graph: move; in a chart: read the values"]];
const moreWords = [];
