//! Clicks through every view, and holds what stands there against the JSON.
use crate::page::Page;
use serde_json::Value;
use std::collections::BTreeMap;

/// All views of a report.
pub(crate) const ALL: [&str; 7] = ["summary", "findings", "flame", "time", "shapes", "processes", "unseen"];

/// Every view of a page against the documents of the same recording.
pub(crate) fn check(page: &Page, documents: &[Value]) {
    check_summary(page, documents);
    check_findings(page, documents);
    check_flame(page, documents);
    check_time(page, documents);
    check_shapes(page, documents);
    check_processes(page, documents);
    check_unseen(page, documents);
    check_keys(page);
}

fn total(documents: &[Value], key: &str) -> u64 {
    documents.iter().map(|document| document["totals"][key].as_u64().expect("a total")).sum()
}

fn check_summary(page: &Page, documents: &[Value]) {
    page.view("summary");
    for class in ["definitely_lost", "indirectly_lost", "possibly_lost", "still_reachable"] {
        for (index, unit) in ["bytes", "blocks"].into_iter().enumerate() {
            let shown = page.value(&format!(
                "Number(document.querySelectorAll('[data-total={class}] [data-value]')[{index}].dataset.value)"
            ));
            assert_eq!(shown, total(documents, &format!("{class}_{unit}")), "{}: {class} {unit}", page.name);
        }
    }
    assert_eq!(page.number("[data-total=allocated] [data-value]"), total(documents, "allocated_bytes"));
    let peak = documents.iter().filter_map(|document| document["totals"]["peak_bytes"].as_u64()).max();
    assert_eq!(Some(page.number("[data-total=peak] [data-value]")), peak);
    assert_eq!(page.number("[data-count=processes]"), documents.len() as u64);
    assert!(page.text("document.getElementById('verdict').textContent").ends_with('.'));
}

/// Fingerprint, kind, bytes, blocks.
type FindingRow = (String, String, u64, u64);

fn check_findings(page: &Page, documents: &[Value]) {
    page.view("findings");
    let mut expected: Vec<FindingRow> = documents
        .iter()
        .flat_map(|document| document["findings"].as_array().expect("findings"))
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().expect("text").to_owned();
            let number = |key: &str| finding[key].as_u64().expect("a number");
            (text("fingerprint"), text("kind"), number("bytes"), number("blocks"))
        })
        .collect();
    expected.sort();
    let mut shown = all_rows(page);
    shown.sort();
    assert_eq!(shown, expected, "{}: the rows", page.name);
    if expected.is_empty() {
        return;
    }
    check_order(page);
    check_filter(page, &expected);
    check_search(page, &expected);
    check_details(page, documents);
}

/// All rows of the table, also those behind the button.
fn all_rows(page: &Page) -> Vec<FindingRow> {
    let rows = page.browser.run(
        "for (;;) { const more = document.querySelector('#view-findings .more'); if (!more || more.hidden) \
         break; more.querySelector('button').click(); } \
         return [...document.querySelectorAll('#view-findings tr.row')].map((row) => \
           [row.dataset.fingerprint, row.dataset.kind, \
           Number(row.querySelector('[data-cell=bytes]').dataset.value), \
            Number(row.querySelector('[data-cell=blocks]').dataset.value)]);",
    );
    serde_json::from_value(rows).expect("rows")
}

fn check_order(page: &Page) {
    page.click("#view-findings [data-sort=blocks]");
    let blocks: Vec<u64> = all_rows(page).into_iter().map(|row| row.3).collect();
    assert!(blocks.is_sorted_by(|one, next| one >= next), "{}: {blocks:?}", page.name);
    page.click("#view-findings [data-sort=blocks]");
    let blocks: Vec<u64> = all_rows(page).into_iter().map(|row| row.3).collect();
    assert!(blocks.is_sorted(), "{}: {blocks:?}", page.name);
}

fn check_filter(page: &Page, expected: &[FindingRow]) {
    let mut by_kind: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for (_, kind, bytes, _) in expected {
        let sum = by_kind.entry(kind).or_default();
        *sum = (sum.0 + 1, sum.1 + bytes);
    }
    if by_kind.len() < 2 {
        return;
    }
    for (kind, (count, bytes)) in by_kind {
        page.choose("[data-filter=kind]", kind);
        assert!(all_rows(page).iter().all(|row| row.1 == kind));
        assert_eq!(page.number("[data-count=shown]"), count as u64, "{}: {kind}", page.name);
        assert_eq!(page.number("[data-sum=bytes]"), bytes, "{}: {kind}", page.name);
    }
    page.choose("[data-filter=kind]", "");
}

fn check_search(page: &Page, expected: &[FindingRow]) {
    let wanted = &expected[0].0;
    page.search("findings", wanted);
    let found = all_rows(page);
    assert!(!found.is_empty() && found.iter().all(|row| row.0 == *wanted), "{}: {wanted} is {found:?}", page.name);
    page.search("findings", "no function has a name like this");
    assert_eq!(page.number("[data-count=shown]"), 0);
    page.search("findings", "");
}

/// The first row's stack is the one of the JSON.
fn check_details(page: &Page, documents: &[Value]) {
    let row = "#view-findings tr.row";
    page.click(&format!("{row} .open"));
    page.wait("document.querySelector('#view-findings .detail td[data-loaded]')");
    let facts = page.value(&format!(
        "(() => {{ const row = document.querySelector('{row}'); const detail = row.nextSibling; return \
         [row.dataset.fingerprint, \
         row.dataset.kind, detail.querySelectorAll('.frames li').length - 1, detail.textContent]; }})()"
    ));
    let findings = documents.iter().flat_map(|document| document["findings"].as_array().expect("findings"));
    let mut same = findings.filter(|finding| finding["fingerprint"] == facts[0] && finding["kind"] == facts[1]);
    let is_shown = same.any(|finding| {
        let frames = finding["site"]["stack"].as_array().map_or(0, Vec::len);
        facts[2] == frames && finding["evidence"].as_array().is_some_and(|evidence| !evidence.is_empty())
    });
    assert!(is_shown, "{}: {facts}", page.name);
    page.click(&format!("{row} .open"));
}

fn check_flame(page: &Page, documents: &[Value]) {
    page.view("flame");
    let sum = |keys: &[&str]| keys.iter().map(|key| total(documents, key)).sum::<u64>();
    let live = ["definitely_lost", "indirectly_lost", "possibly_lost", "still_reachable", "live"];
    let of = |classes: &[&str], unit: &str| {
        classes.iter().map(|class| sum(&[format!("{class}_{unit}").as_str()])).sum::<u64>()
    };
    let expected = [
        ("lost", of(&live[..2], "bytes"), of(&live[..2], "blocks")),
        ("possibly lost", of(&live[2..3], "bytes"), of(&live[2..3], "blocks")),
        ("live", of(&live, "bytes"), of(&live, "blocks")),
        ("allocated", total(documents, "allocated_bytes"), total(documents, "allocations")),
    ];
    for direction in ["down", "up"] {
        page.click(&format!("#view-flame [data-choice={direction}]"));
        for layout in ["flame", "icicle"] {
            page.click(&format!("#view-flame [data-choice={layout}]"));
            for (weight, bytes, blocks) in &expected {
                for (unit, amount) in [("bytes", bytes), ("blocks", blocks)] {
                    page.click(&format!("#view-flame [data-choice={weight:?}]"));
                    page.click(&format!("#view-flame [data-choice={unit}]"));
                    page.wait(&format!("document.querySelector('[data-flame-total=\"{weight} {unit}\"]')"));
                    let shown = page.number(&format!("[data-flame-total=\"{weight} {unit}\"]"));
                    assert_eq!(shown, *amount, "{}: {weight} {unit}, {direction}", page.name);
                }
            }
        }
    }
    for weight in ["peak", "temporary"] {
        page.click(&format!("#view-flame [data-choice={weight:?}]"));
        page.wait(&format!("document.querySelector('[data-flame-total^=\"{weight}\"]')"));
    }
    check_flame_keys(page);
}

/// Arrows move, Enter zooms, Escape comes back; a search says what it found.
fn check_flame_keys(page: &Page) {
    page.click("#view-flame [data-choice=allocated]");
    page.click("#view-flame [data-choice=flame]");
    page.wait("document.querySelector('[data-flame-total^=allocated]')");
    let node = "document.querySelector('#view-flame .status b').textContent";
    page.browser.run("document.querySelector('#view-flame canvas').focus();");
    assert_eq!(page.text(node), "everything");
    page.browser.keys("\u{E013}"); // up
    let first = page.text(node);
    assert_ne!(first, "everything", "{}", page.name);
    let root = "document.getElementById('view-flame').dataset.root";
    assert_eq!(page.text(root), "0");
    page.browser.keys("\u{E007}"); // enter
    assert_ne!(page.text(root), "0", "{}: not zoomed in", page.name);
    page.browser.keys("\u{E00C}"); // escape
    assert_eq!((page.text(root).as_str(), page.text(node).as_str()), ("0", "everything"));
    page.search("flame", &first);
    page.wait("document.querySelector('[data-match]')");
    page.search("flame", "");
}

fn check_time(page: &Page, documents: &[Value]) {
    page.view("time");
    let peaks: Vec<u64> = documents.iter().filter_map(|document| document["totals"]["peak_bytes"].as_u64()).collect();
    assert!(peaks.contains(&page.number("[data-peak]")), "{}: {peaks:?}", page.name);
    let lines = "document.querySelectorAll('#view-time [data-chart=live] svg path').length";
    assert!(page.value(lines).as_u64() >= Some(2), "{}: an empty chart", page.name);
    let marks = "document.querySelectorAll('#view-time [data-chart=live] svg line.mark').length";
    assert!(page.value(marks).as_u64() >= Some(1), "{}: no snapshot is marked", page.name);
    let has_tree = page.value("Boolean(document.querySelector('[data-chart=tree]'))");
    assert_eq!(has_tree, documents.len() > 1, "{}", page.name);
    page.browser.run("document.querySelector('[data-chart=live] .chart').focus();");
    page.browser.keys("\u{E014}"); // right
    page.wait(
        "!document.querySelector('.tip').hidden && \
     document.querySelector('.tip').textContent.includes('live')",
    );
    page.browser.run("document.activeElement.blur();");
}

fn check_shapes(page: &Page, documents: &[Value]) {
    page.view("shapes");
    let classes = ["definitely_lost", "indirectly_lost", "possibly_lost", "still_reachable", "live"];
    for unit in ["blocks", "bytes"] {
        page.click(&format!("#view-shapes [data-choice={unit}]"));
        let shown = page.value(
            "[...document.querySelectorAll('[data-chart=sizes] [data-bar]')].reduce((sum, bar) => sum + \
             Number(bar.dataset.value), 0)",
        );
        let live: u64 = classes.iter().map(|class| total(documents, &format!("{class}_{unit}"))).sum();
        // Estimates are rounded for each site, and for each size.
        let slack = if is_sampled(documents) { live / 100 } else { 0 };
        let shown = shown.as_u64().expect("a number");
        assert!(shown.abs_diff(live) <= slack, "{}: sizes of live {unit}: {shown}, not {live}", page.name);
    }
    let kept: u64 = classes.iter().map(|class| total(documents, &format!("{class}_blocks"))).sum();
    assert_eq!(page.number("[data-bar=kept]"), kept);
    let lived = page.value(
        "[...document.querySelectorAll('[data-chart=lifetimes] [data-bar]')].reduce((sum, bar) => sum + \
         Number(bar.dataset.value), 0)",
    );
    // Mappings that went are counted as allocated, not by lifetime.
    assert!(lived.as_u64() <= Some(total(documents, "allocations")), "{}: {lived}", page.name);
    assert!(lived.as_u64() >= Some(total(documents, "allocations") / 2), "{}: {lived}", page.name);
}

fn check_processes(page: &Page, documents: &[Value]) {
    page.view("processes");
    for (index, document) in documents.iter().enumerate() {
        let totals = &document["totals"];
        let shown = |cell: &str| page.number(&format!("[data-process=\"{index}\"] [data-cell={cell}]"));
        for cell in ["allocated_bytes", "allocations", "peak_bytes"] {
            assert_eq!(Some(shown(cell)), totals[cell].as_u64(), "{}: {cell}", page.name);
        }
        let lost = totals["definitely_lost_bytes"].as_u64().zip(totals["indirectly_lost_bytes"].as_u64());
        assert_eq!(Some(shown("lost")), lost.map(|(definitely, indirectly)| definitely + indirectly));
        assert_eq!(shown("findings"), document["findings"].as_array().map_or(0, Vec::len) as u64);
    }
}

fn check_unseen(page: &Page, documents: &[Value]) {
    page.view("unseen");
    let text = page.text("document.getElementById('view-unseen').textContent");
    let shown = |text: &str| text.replace('`', "");
    for gap in documents.iter().flat_map(|document| document["incomplete"].as_array().expect("incomplete")) {
        for key in ["what", "why"] {
            let gap = gap[key].as_str().expect("text");
            assert!(shown(&text).contains(&shown(gap)), "{}: `{gap}` is not in `{text}`", page.name);
        }
    }
}

/// What the help promises.
fn check_keys(page: &Page) {
    page.browser.run("document.activeElement?.blur(); document.body.focus();");
    page.browser.keys("2");
    page.wait("document.documentElement.dataset.view === 'findings'");
    page.browser.keys("/");
    page.wait("document.activeElement.matches('#view-findings input[type=search]')");
    page.browser.keys("\u{E00C}");
    page.browser.keys("?");
    page.wait("document.getElementById('help').open");
    page.click("#help button");
    let theme = "document.documentElement.dataset.theme ?? ''";
    let before = page.text(theme);
    page.browser.keys("t");
    assert_ne!(page.text(theme), before);
    page.browser.keys("1");
    page.wait("document.documentElement.dataset.view === 'summary'");
    page.browser.run("document.getElementById('tab-summary').focus();");
    page.browser.keys("\u{E014}");
    page.wait("document.documentElement.dataset.view === 'findings' && document.activeElement.id === 'tab-findings'");
}

fn is_sampled(documents: &[Value]) -> bool {
    documents.iter().any(|document| !document["sampling"].is_null())
}

/// A page of samples says that it has estimates, and how sure they are.
pub(crate) fn check_estimates(page: &Page, documents: &[Value]) {
    assert!(is_sampled(documents));
    page.view("summary");
    let fact = page.text("document.querySelector('[data-fact=sampling]').textContent");
    assert!(fact.contains("all numbers are estimates") && fact.contains("95 %: "), "{fact}");
    page.view("findings");
    page.click("#view-findings tr.row .open");
    page.wait("document.querySelector('#view-findings .detail [data-estimate]')");
    let estimate = page.text("document.querySelector('#view-findings [data-estimate]').textContent");
    assert!(estimate.starts_with("Estimate: about ") && estimate.contains("(95 %: "), "{estimate}");
}

/// The lines around the place of a finding are shown.
pub(crate) fn check_source(page: &Page, function: &str, line: &str) {
    page.view("findings");
    page.search("findings", function);
    page.click("#view-findings tr.row .open");
    page.wait("document.querySelector('#view-findings .detail .source .meant')");
    let shown = page.text("document.querySelector('#view-findings .source .meant').textContent");
    assert!(shown.contains(line), "{shown}");
}
