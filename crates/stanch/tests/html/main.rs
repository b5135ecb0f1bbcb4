//! The page of `--format html`, opened in headless Chromium.
//!
//! Five real programs are recorded; a browser opens the page of each, clicks through every view, and what stands there
//! is held against `--format json` of the same recording. No request may leave the page, and its console stays silent.
//! `browser` speaks WebDriver to chromedriver, `recordings` makes the recordings, `page` reads a page, `views` clicks
//! and compares, `comparisons` does both for pages of `stanch diff`, `looks` takes pictures (light, dark, narrow, on
//! paper) for people to look at; they are kept in `target/tmp/html`. `hostile` has names that are markup, and pages
//! that must not tell. A missing tool fails with the package to install.
#![forbid(unsafe_code)]

mod browser;
mod comparisons;
mod hostile;
mod looks;
mod page;
mod recordings;
mod views;

use comparisons::Compared;
use page::Page;
use recordings::Recorded;

/// Everything of one recording.
fn check(recorded: &Recorded) {
    let page = Page::open(&recorded.html, recorded.name);
    views::check(&page, &recorded.documents());
    page.check_silence();
    looks::keep(&Page::open(&recorded.html, recorded.name), &views::ALL);
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

/// Everything of one comparison.
fn check_comparison(compared: &Compared, name: &'static str) {
    let page = Page::open(&compared.html, name);
    comparisons::check(&page, compared);
    page.check_silence();
    looks::keep(&Page::open(&compared.html, name), &comparisons::VIEWS);
    let redacted = Page::open(&compared.redacted, name);
    comparisons::check_redacted(&redacted, compared);
    redacted.check_silence();
}

#[test]
fn two_builds() {
    let compared = comparisons::builds();
    check_comparison(&compared, "diff-builds");
    check_comparison(&comparisons::documents(&compared), "diff-documents");
}

#[test]
fn two_runs_of_python() {
    check_comparison(&comparisons::python(), "diff-python");
}

#[test]
fn hostile_names() {
    hostile::check_names();
}
