//! One opened page, and short ways to what stands on it.
use crate::browser::Browser;
use serde_json::Value;
use std::path::Path;

/// A page in a browser of its own.
pub(crate) struct Page {
    pub(crate) browser: Browser,
    pub(crate) name: &'static str,
    address: String,
}

impl Page {
    pub(crate) fn open(path: &Path, name: &'static str) -> Page {
        let browser = Browser::start();
        // The browser's own first page asks for parts of itself.
        browser.log("performance");
        browser.open(path);
        let page = Page { browser, name, address: format!("file://{}", path.display()) };
        page.wait("document.documentElement.dataset.view === 'summary'");
        page
    }

    /// The value of an expression.
    pub(crate) fn value(&self, expression: &str) -> Value {
        self.browser.run(&format!("return {expression};"))
    }

    pub(crate) fn text(&self, expression: &str) -> String {
        let value = self.value(expression);
        value.as_str().unwrap_or_else(|| panic!("{}: no text: {expression} is {value}", self.name)).to_owned()
    }

    /// A number that the page gives exactly beside the one for people.
    pub(crate) fn number(&self, selector: &str) -> u64 {
        let expression = format!("Number(document.querySelector({selector:?})?.dataset.value ?? -1)");
        let value = self.value(&expression);
        value.as_u64().unwrap_or_else(|| panic!("{}: no number at {selector}: {value}", self.name))
    }

    pub(crate) fn click(&self, selector: &str) {
        self.browser.run(&format!(
            "const found = document.querySelector({selector:?}); if (!found) throw 'nothing at ' + \
             {selector:?}; found.click();"
        ));
    }

    /// Waits until an expression holds.
    pub(crate) fn wait(&self, expression: &str) {
        let script = format!(
            "for (let turn = 0; turn < 400; turn += 1) {{ if ({expression}) return true; \
             await new Promise((go) => setTimeout(go, 25)); }} return false;"
        );
        assert_eq!(self.browser.run(&script), true, "{}: still not so: {expression}", self.name);
    }

    /// Opens a view by its tab, and waits until it is there.
    pub(crate) fn view(&self, name: &str) {
        self.click(&format!("#tab-{name}"));
        self.wait(&format!("document.documentElement.dataset.view === '{name}'"));
        let shown = self.value(&format!(
            "[...document.querySelectorAll('section.view')].filter((view) => view.checkVisibility()).map((view) \
             => view.id).join() === 'view-{name}'"
        ));
        assert_eq!(shown, true, "{}: one view at a time", self.name);
    }

    /// Chooses in a list.
    pub(crate) fn choose(&self, selector: &str, value: &str) {
        self.browser.run(&format!(
            "const list = document.querySelector({selector:?}); list.value = {value:?}; list.dispatchEvent(new \
             Event('change'));"
        ));
    }

    /// Types into the search field of a view, and waits for the pause after which it counts.
    pub(crate) fn search(&self, view: &str, words: &str) {
        self.browser.run(&format!(
            "const field = document.querySelector('#view-{view} input[type=search]'); field.value = {words:?}; \
             field.dispatchEvent(new Event('input')); await new Promise((go) => setTimeout(go, 250));"
        ));
    }

    /// Nothing was asked for over a network, and nothing complained.
    pub(crate) fn check_silence(&self) {
        for entry in self.browser.log("performance") {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap_or("{}")).unwrap_or_default();
            if message["message"]["method"] == "Network.requestWillBeSent" {
                let url = message["message"]["params"]["request"]["url"].as_str().unwrap_or_default().to_owned();
                // The icon is empty and stands in the page.
                let is_own = url.starts_with(&self.address) || url.starts_with("data:");
                assert!(is_own, "{}: a request for {url}", self.name);
            }
        }
        assert_eq!(
            self.value(
                "performance.getEntriesByType('resource').filter((one) => !one.name.startsWith('data:')).length"
            ),
            0
        );
        let console = self.browser.log("browser");
        assert!(console.is_empty(), "{}: {console:?}", self.name);
    }
}
