// Opens a file in speedscope itself, in a page without a screen, and prints the text of the page: the list of profiles
// with their totals. Only what draws is a stand-in.
// Usage: node speedscope.js FILE
const fs = require("fs");
const path = require("path");
const { JSDOM } = require("jsdom");

const release = path.dirname(require.resolve("speedscope/dist/release/index.html"));
const bundle = fs.readdirSync(release).find((name) => /^speedscope-.*\.js$/.test(name));
const url = "http://localhost/#localProfilePath=here";
const page = new JSDOM("<!doctype html><body></body>", { url, runScripts: "outside-only", pretendToBeVisual: true });
const { window } = page;
page.virtualConsole.removeAllListeners();

const canvas = window.document.createElement("canvas");
const answers = {
  canvas,
  getContextAttributes: () => ({}),
  getExtension: () => null,
  getParameter: () => "",
  isContextLost: () => false,
  checkFramebufferStatus: () => "FRAMEBUFFER_COMPLETE",
};
// Constants are their own names; what is called gives an object.
const isConstant = (name) => typeof name === "string" && /^[A-Z0-9_]+$/.test(name);
const answer = (name) => answers[name] ?? (isConstant(name) ? name : () => ({}));
const webgl = new Proxy({}, { get: (_, name) => (name in answers ? answers[name] : answer(name)) });
const flat = new Proxy({}, { get: (_, name) => () => (name === "measureText" ? { width: 10 } : {}), set: () => true });
window.HTMLCanvasElement.prototype.getContext = (kind) => (kind === "2d" ? flat : webgl);
window.Element.prototype.scrollIntoView = () => {};
window.matchMedia = () => ({ matches: false, addListener() {}, addEventListener() {} });
Object.assign(window, { TextDecoder, TextEncoder });

window.eval(fs.readFileSync(path.join(release, bundle), "utf8"));
const file = fs.readFileSync(process.argv[2]).toString("base64");
const start = Date.now();
let isLoaded = false;
const timer = setInterval(() => {
  if (!isLoaded && window.speedscope) {
    isLoaded = true;
    window.speedscope.loadFileFromBase64("recording.speedscope.json", file);
  }
  const text = window.document.body.textContent;
  if (text.includes("Sandwich") || Date.now() - start > 30000) {
    console.log(window.document.title);
    console.log(text);
    clearInterval(timer);
    process.exit(text.includes("Sandwich") ? 0 : 1);
  }
}, 50);
