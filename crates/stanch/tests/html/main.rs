//! The page of `--format html`, opened in headless Chromium.
//!
//! Five real programs are recorded; a browser opens the page of each, clicks through every view, and what stands there
//! is held against `--format json` of the same recording. No request may leave the page, and its console stays silent.
//! `browser` speaks WebDriver to chromedriver, `recordings` makes the recordings, `page` reads a page, `views` clicks
//! and compares, `looks` takes pictures (light, dark, narrow, on paper) for people to look at; they are kept in
//! `target/tmp/html`. `hostile` has names that are markup, and pages that must not tell. A missing tool fails with the
//! package to install.
#![forbid(unsafe_code)]

mod browser;
mod hostile;
mod looks;
mod page;
mod recordings;
mod views;

use page::Page;
use recordings::Recorded;

/// Everything of one recording.
fn check(recorded: &Recorded) {
    let page = Page::open(&recorded.html, recorded.name);
    views::check(&page, &recorded.documents());
    page.check_silence();
    looks::keep(&Page::open(&recorded.html, recorded.name));
    let redacted = Page::open(&recorded.redacted, recorded.name);
    hostile::check_redacted(&redacted, recorded);
    redacted.check_silence();
}

#[test]
fn python() {
    check(&recordings::python());
}

#[test]
fn sqlite() {
    check(&recordings::sqlite());
}

#[test]
fn gcc() {
    check(&recordings::gcc());
}

#[test]
fn redis_server() {
    check(&recordings::redis());
}

#[test]
fn twenty_threads() {
    let recorded = recordings::threads();
    check(&recorded);
    let page = Page::open(&recorded.html, recorded.name);
    views::check_source(&page, "lose_one", "new std::string");
}

#[test]
fn twenty_threads_by_samples() {
    let recorded = recordings::sampled();
    check(&recorded);
    let page = Page::open(&recorded.html, recorded.name);
    views::check_estimates(&page, &recorded.documents());
}

#[test]
fn hostile_names() {
    hostile::check_names();
}
