//! The page of `stanch diff --format html`: what stands there is held against the JSON of the same comparison.
use crate::page::Page;
use crate::recordings::{STANCH, compile_as, file, folder, plain};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Views of the page.
pub(crate) const VIEWS: [&str; 4] = ["summary", "changes", "flame", "unseen"];

/// Two sides, compared.
pub(crate) struct Compared {
    pub(crate) html: PathBuf,
    pub(crate) redacted: PathBuf,
    document: Value,
    folder: TempDir,
}

impl Compared {
    /// Compares two files of a folder.
    fn make(folder: TempDir, sides: [&str; 2], options: &[&str]) -> Compared {
        let compare = |file: &str, arguments: &[&str]| {
            let path = folder.path().join(file);
            let mut stanch = plain(STANCH);
            stanch.arg("diff").args(sides).args(options).args(arguments).arg("-o").arg(&path);
            let output = stanch.current_dir(folder.path()).output().expect("stanch");
            let status = output.status.code();
            assert!(matches!(status, Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
            path
        };
        let json = std::fs::read_to_string(compare("a.json", &["--format", "json"])).expect("the JSON");
        Compared {
            html: compare("a.html", &["--format", "html"]),
            redacted: compare("redacted.html", &["--format", "html", "--redact"]),
            document: serde_json::from_str(&json).expect("JSON"),
            folder,
        }
    }

    fn changes(&self) -> &[Value] {
        self.document["changes"].as_array().expect("changes")
    }
}

/// Two builds of one program in two checkouts, with every category among what changed.
pub(crate) fn builds() -> Compared {
    let folder = folder();
    for (side, flag) in [("old", "-DOLD"), ("new", "-DNEW")] {
        let checkout = folder.path().join(format!("secret-{side}"));
        std::fs::create_dir(&checkout).expect("a folder");
        file(&checkout, "compared.cc", include_str!("compared.cc"));
        compile_as(&checkout, &["-O1", flag, "compared.cc", "-o", "compared"]);
        record(folder.path(), &format!("{side}.rec"), &[&format!("./secret-{side}/compared"), "--token=open-sesame"]);
    }
    Compared::make(folder, ["old.rec", "new.rec"], &[])
}

/// The same from reports in JSON.
pub(crate) fn documents(compared: &Compared) -> Compared {
    let copies = folder();
    for side in ["old", "new"] {
        let recording = compared.folder.path().join(format!("{side}.rec"));
        let mut report = plain(STANCH);
        report.arg("report").arg(recording).args(["--format", "json", "-o"]);
        let status = report.arg(copies.path().join(format!("{side}.json"))).status();
        assert!(status.expect("stanch").success());
    }
    Compared::make(copies, ["old.json", "new.json"], &[])
}

/// A program of Debian that has more to do the second time; nearly all of it is still reachable.
pub(crate) fn python() -> Compared {
    let folder = folder();
    for (side, count) in [("old", 200), ("new", 20_000)] {
        let script = format!(
            "import json\nkept = [json.loads(json.dumps({{'number': n, 'text': 'x' * 600}})) for n in range({count})]\n"
        );
        file(folder.path(), &format!("{side}.py"), &script);
        record(folder.path(), &format!("{side}.rec"), &["/usr/bin/python3", &format!("{side}.py")]);
    }
    Compared::make(folder, ["old.rec", "new.rec"], &["--show-reachable"])
}

fn record(folder: &Path, file: &str, command: &[&str]) {
    let mut stanch: Command = plain(STANCH);
    stanch.args(["run", "--record", file, "--"]).args(command).current_dir(folder);
    let status = stanch.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("stanch");
    assert!(status.success(), "{command:?}");
}

/// Every view of the page against the document.
pub(crate) fn check(page: &Page, compared: &Compared) {
    check_summary(page, compared);
    check_rows(page, compared);
    check_details(page, compared);
    check_flame(page, compared);
    check_unseen(page, compared);
    check_keys(page);
}

fn amount(side: &Value, key: &str) -> u64 {
    side[key].as_u64().unwrap_or(0)
}

/// Sums over all changes of one side, of these kinds.
fn sum(compared: &Compared, side: &str, kinds: &[&str], key: &str) -> u64 {
    let holdings = compared.changes().iter().map(|change| &change[side]);
    holdings
        .filter(|side| side["kind"].as_str().is_some_and(|kind| kinds.contains(&kind)))
        .map(|side| amount(side, key))
        .sum()
}

fn check_summary(page: &Page, compared: &Compared) {
    page.view("summary");
    for (category, count) in compared.document["counts"].as_object().expect("counts") {
        assert_eq!(page.number(&format!("[data-category={category}] [data-value]")), count.as_u64().expect("a number"));
    }
    for kind in ["definitely_lost", "possibly_lost", "still_reachable"] {
        for side in ["old", "new"] {
            let blocks = sum(compared, side, &[kind], "blocks");
            if blocks == 0 {
                continue;
            }
            assert_eq!(page.number(&format!("[data-blocks=\"{side} {kind}\"]")), blocks, "{}", page.name);
            let bytes = sum(compared, side, &[kind], "bytes");
            assert_eq!(page.number(&format!("[data-total=\"{side} {kind}\"]")), bytes, "{}", page.name);
        }
    }
    for side in ["old", "new"] {
        let subjects = compared.document[side]["subjects"].as_array().expect("subjects").len() as u64;
        assert_eq!(page.number(&format!("[data-count=\"{side} processes\"]")), subjects);
    }
    assert!(page.text("document.getElementById('verdict').textContent").ends_with('.'));
}

/// Change, fingerprint, old and new bytes and blocks; −1 where a side has none of it.
type Row = (String, String, [i64; 4]);

fn check_rows(page: &Page, compared: &Compared) {
    page.view("changes");
    let number = |side: &Value, key: &str| side[key].as_i64().unwrap_or(-1);
    let expected: Vec<Row> = compared
        .changes()
        .iter()
        .map(|change| {
            let [old, new] = ["old", "new"].map(|side| &change[side]);
            let text = |key: &str| change[key].as_str().expect("text").to_owned();
            let amounts = [number(old, "bytes"), number(old, "blocks"), number(new, "bytes"), number(new, "blocks")];
            (text("change"), text("fingerprint"), amounts)
        })
        .collect();
    assert_eq!(rows(page), expected, "{}: the rows, in this order", page.name);
    for category in compared.document["counts"].as_object().expect("counts").keys() {
        let of_category = expected.iter().filter(|row| row.0 == *category).count();
        if of_category == 0 {
            continue;
        }
        page.choose("[data-filter=change]", category);
        assert_eq!(page.number("[data-count=shown]"), of_category as u64, "{}: {category}", page.name);
        assert!(rows(page).iter().all(|row| row.0 == *category));
    }
    page.choose("[data-filter=change]", "");
    page.click("#view-changes [data-sort=difference]");
    let differences: Vec<i64> = rows(page).iter().map(|(_, _, [old, _, new, _])| new.max(&0) - old.max(&0)).collect();
    assert!(differences.is_sorted_by(|one, next| one >= next), "{}: {differences:?}", page.name);
    page.search("changes", &expected[0].1);
    let found = rows(page);
    assert!(!found.is_empty() && found.iter().all(|row| row.1 == expected[0].1), "{}: {found:?}", page.name);
    page.search("changes", "");
}

fn rows(page: &Page) -> Vec<Row> {
    let rows = page.browser.run(
        "for (;;) { const more = document.querySelector('#view-changes .more'); if (!more || more.hidden) \
         break; more.querySelector('button').click(); } \
         const cell = (row, name) => Number(row.querySelector(`[data-cell=${name}]`)?.dataset.value ?? -1); \
         return [...document.querySelectorAll('#view-changes tr.row')].map((row) => \
           [row.dataset.change, row.dataset.fingerprint, \
            ['old_bytes', 'old_blocks', 'new_bytes', 'new_blocks'].map((name) => cell(row, name))]);",
    );
    serde_json::from_value(rows).expect("rows")
}

/// The row that stands first when the page is opened has its stack and both amounts.
fn check_details(page: &Page, compared: &Compared) {
    let change = &compared.changes()[0];
    page.view("summary");
    page.click("#view-summary .first");
    page.wait("document.documentElement.dataset.view === 'changes'");
    page.wait("document.querySelector('#view-changes .detail td[data-loaded]')");
    let frames = page.value("document.querySelectorAll('#view-changes .detail .frames li').length - 1");
    assert_eq!(frames, change["finding"]["site"]["stack"].as_array().map_or(0, Vec::len), "{}", page.name);
    let sides = page.text("document.querySelector('.then-and-now').textContent");
    assert!(sides.starts_with("old") && sides.contains("new"), "{sides}");
    page.click("#view-changes .detail ~ tr .open, #view-changes tr.row .open[aria-expanded=true]");
}

fn check_flame(page: &Page, compared: &Compared) {
    page.view("flame");
    let lost = ["definitely_lost", "indirectly_lost"];
    let live = ["definitely_lost", "indirectly_lost", "possibly_lost", "still_reachable", "live"];
    for direction in ["down", "up"] {
        page.click(&format!("#view-flame [data-choice={direction}]"));
        for (weight, kinds) in [("lost", &lost[..]), ("live", &live[..])] {
            if sum(compared, "old", kinds, "blocks") + sum(compared, "new", kinds, "blocks") == 0 {
                // What neither side has cannot be chosen.
                assert_eq!(page.value(&format!("document.querySelector('[data-choice={weight}]')")), Value::Null);
                continue;
            }
            for unit in ["bytes", "blocks"] {
                page.click(&format!("#view-flame [data-choice={weight}]"));
                page.click(&format!("#view-flame [data-choice={unit}]"));
                page.wait(&format!("document.querySelector('[data-flame-old=\"{weight} {unit}\"]')"));
                for side in ["old", "new"] {
                    let shown = page.number(&format!("[data-flame-{side}=\"{weight} {unit}\"]"));
                    let expected = sum(compared, side, kinds, unit);
                    assert_eq!(shown, expected, "{}: {side} {weight} {unit}, {direction}", page.name);
                }
            }
        }
    }
    for width in ["difference", "old", "new", "both"] {
        page.click(&format!("#view-flame [data-choice={width}]"));
        page.wait(&format!("document.getElementById('view-flame').dataset.width === '{width}'"));
    }
    page.click("#view-flame [data-choice=down]");
    check_flame_keys(page);
}

/// Arrows move, Enter zooms, Escape comes back; a search says what it found on both sides.
fn check_flame_keys(page: &Page) {
    let node = "document.querySelector('#view-flame .status b').textContent";
    page.wait(&format!("{node} === 'everything'"));
    page.browser.run("document.querySelector('#view-flame canvas').focus();");
    page.browser.keys("\u{E013}"); // up
    let first = page.text(node);
    assert_ne!(first, "everything", "{}", page.name);
    let root = "document.getElementById('view-flame').dataset.root";
    page.browser.keys("\u{E007}"); // enter
    assert_ne!(page.text(root), "0", "{}: not zoomed in", page.name);
    page.browser.keys("\u{E00C}"); // escape
    assert_eq!(page.text(root), "0");
    page.search("flame", &first);
    assert_eq!(page.value("document.querySelectorAll('[data-match]').length"), 2, "{}", page.name);
    page.search("flame", "");
}

fn check_unseen(page: &Page, compared: &Compared) {
    page.view("unseen");
    let text = page.text("document.getElementById('view-unseen').textContent").replace('`', "");
    for side in ["old", "new"] {
        for gap in compared.document[side]["incomplete"].as_array().expect("incomplete") {
            let why = gap["why"].as_str().expect("text").replace('`', "");
            assert!(text.contains(&why), "{}: `{why}` is not in `{text}`", page.name);
        }
    }
}

fn check_keys(page: &Page) {
    page.browser.run("document.activeElement?.blur(); document.body.focus();");
    page.browser.keys("2");
    page.wait("document.documentElement.dataset.view === 'changes'");
    page.browser.keys("/");
    page.wait("document.activeElement.matches('#view-changes input[type=search]')");
    page.browser.keys("\u{E00C}");
    page.browser.keys("?");
    page.wait("document.getElementById('help').open");
    assert!(page.text("document.getElementById('help').textContent").contains("1 to 4"));
    page.click("#help button");
}

/// A page without private things names no folder, no argument, no line of source, and not the files.
pub(crate) fn check_redacted(page: &Page, compared: &Compared) {
    VIEWS.iter().for_each(|view| page.view(view));
    page.view("changes");
    page.browser.run("for (const button of document.querySelectorAll('#view-changes .open')) button.click();");
    page.wait("[...document.querySelectorAll('#view-changes .detail td')].every((cell) => cell.dataset.loaded)");
    let text = page.text("document.documentElement.textContent");
    let folder = compared.folder.path().to_str().expect("a path");
    for secret in [folder, "/tmp/", "open-sesame", "compared.cc", "old.rec", "new.rec", "secret-", "PLANTED"] {
        assert!(!text.contains(secret), "{}: `{secret}` is in the page", page.name);
    }
    assert!(text.contains("withheld"), "{}", page.name);
}
