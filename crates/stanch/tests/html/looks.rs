//! Pictures of every view, for people to look at: light, dark, narrow, and on paper.
use crate::page::Page;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

/// Where pictures are kept.
fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("html");
    fs::create_dir_all(&folder).expect("a folder for pictures");
    folder
}

/// Takes all pictures of a page, and checks what a machine can see of them.
pub(crate) fn keep(page: &Page, views: &[&str]) {
    for (look, scheme, width) in [("light", "light", 1280), ("dark", "dark", 1280), ("phone", "light", 390)] {
        page.browser.run("delete document.documentElement.dataset.theme;");
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        page.browser.devtools("Emulation.setEmulatedMedia", &json!({"media": "", "features": features}));
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500});
        page.browser.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        for view in views {
            page.view(view);
            prepare(page, view);
            check_fit(page, view, width);
            picture(page, &format!("{}-{view}-{look}.png", page.name));
        }
    }
    print(page);
}

/// Shows what is hidden behind a click: the details of a finding, the largest weight of a flame graph.
fn prepare(page: &Page, view: &str) {
    match view {
        "findings" | "changes" => {
            page.browser.run(&format!(
                "const first = document.querySelector('#view-{view} tr.row .open'); \
                 if (first && first.getAttribute('aria-expanded') === 'false') first.click();"
            ));
            page.wait(&format!(
                "!document.querySelector('#view-{view} .detail') || \
                 document.querySelector('#view-{view} .detail td[data-loaded]')"
            ));
        }
        "flame" => {
            page.browser.run("document.querySelector('#view-flame [data-choice=allocated]')?.click();");
            page.wait(
                "document.querySelector('#view-flame .empty') || document.querySelector('[data-flame-note]') || \
                 document.querySelector('[data-flame-total^=allocated], [data-flame-new^=allocated]')",
            );
        }
        _ => {}
    }
    // Charts follow the width in the next frame.
    page.browser.run("for (let turn = 0; turn < 3; turn += 1) await new Promise((go) => setTimeout(go, 40));");
}

/// Nothing stands out over the side, and the view is not empty.
fn check_fit(page: &Page, view: &str, width: u64) {
    let wide = page.value("document.documentElement.scrollWidth").as_u64();
    assert!(wide <= Some(width), "{}: {view} is {wide:?} wide on a screen of {width}", page.name);
    let text = page.text(&format!("document.getElementById('view-{view}').innerText"));
    assert!(text.trim().len() > 40, "{}: {view} is empty: `{text}`", page.name);
    let broken = page.value(&format!(
        "document.getElementById('view-{view}').innerText.match(/undefined|NaN|Infinity|\\[object|cannot be \
         shown|^(false|true|null)$/m)?.[0]"
    ));
    assert_eq!(broken, Value::Null, "{}: {view}", page.name);
}

fn picture(page: &Page, name: &str) {
    // The window grows for the picture: what is as high as a part of it would lose the place it is scrolled to.
    let pin = |height: &str| {
        let script = "document.querySelectorAll('.flame').forEach((graph) => { graph.style.maxHeight = HEIGHT; });";
        page.browser.run(&script.replace("HEIGHT", height));
    };
    pin("`${graph.offsetHeight}px`");
    let height = page.value("Math.min(3000, document.documentElement.scrollHeight)");
    let width = page.value("innerWidth");
    let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
    let parameters = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
    save(name, &page.browser.devtools("Page.captureScreenshot", &parameters)["data"]);
    pin("''");
}

fn print(page: &Page) {
    page.browser.run("window.print = () => {};");
    page.click("#print");
    page.wait("document.documentElement.dataset.printable");
    let printed =
        page.browser.devtools("Page.printToPDF", &json!({"printBackground": false, "preferCSSPageSize": true}));
    save(&format!("{}-paper.pdf", page.name), &printed["data"]);
}

fn save(name: &str, data: &Value) {
    let bytes = decode(data.as_str().expect("a picture"));
    assert!(bytes.len() > 4000, "{name} is empty");
    fs::write(folder().join(name), bytes).expect("a picture");
}

/// Base64 as of RFC 4648.
fn decode(text: &str) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = LETTERS.iter().position(|known| *known == letter).expect("base64");
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
