//! Names that try to be markup, and pages that must tell nothing of whoever recorded.
use crate::page::Page;
use crate::recordings::Recorded;
use crate::views;
use stanch_recording::{
    AllocatorFunction, Class, Ending, Group, History, HistoryPoint, Loss, Module, NodeIndex, PeakSites, PointSites,
    Process, Recording, ResolvedCode, ResolvedFrame, RuntimeAddress, SiteCounts, SiteIndex, Snapshot, SnapshotReason,
    StackNode,
};
use std::process::Command;

const MARKUP: &str =
    "</script><script>window.caught = 1</script><img src=x onerror=\"window.caught = 2\">'`{{verdict}}\u{202e}";

/// Whatever a name holds, it is shown as text.
pub(crate) fn check_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let (recording, html) = (folder.path().join("a.rec"), folder.path().join("a.html"));
    stanch_recording::write_file(&hostile(), &recording).expect("a recording");
    for arguments in [&[][..], &["--redact"][..]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stanch"));
        command.arg("report").arg(&recording).args(["--format", "html"]).args(arguments).arg("-o").arg(&html);
        assert!(command.status().expect("stanch").success());
        let page = Page::open(&html, "hostile");
        views::ALL.iter().for_each(|view| page.view(view));
        page.view("findings");
        page.click("#view-findings tr.row .open");
        page.wait("document.querySelector('#view-findings .detail td[data-loaded]')");
        let is_open = arguments.is_empty();
        assert!(!is_open || page.text("document.body.innerText").contains("<img src=x onerror"));
        assert_eq!(page.value("typeof window.caught"), "undefined");
        assert_eq!(page.value("document.images.length"), 0);
        page.check_silence();
    }
}

fn hostile() -> Recording {
    let name = || MARKUP.to_owned();
    let node = |parent, address| StackNode { parent: NodeIndex(parent), address: RuntimeAddress(address), module: 1 };
    let frame = ResolvedFrame { function: Some(name()), file: Some(name()), line: Some(1), ..ResolvedFrame::default() };
    let code = |address| ResolvedCode { module: 1, address: RuntimeAddress(address), frames: vec![frame.clone()] };
    let group = Group {
        site: SiteIndex(0),
        allocator: AllocatorFunction::Malloc,
        class: Class::DefinitelyLost,
        blocks: 1,
        bytes: 10,
        indirect_blocks: 0,
        indirect_bytes: 0,
        oldest_ms: 0,
        newest_ms: 0,
    };
    let sites = PointSites { live_blocks: 1, allocations: 1, held: vec![(SiteIndex(0), 10)] };
    let point = |at_ms| HistoryPoint { at_ms, heap_bytes: 10, sites: Some(sites.clone()), ..HistoryPoint::default() };
    let process = Process {
        pid: 1,
        command: vec![name(), name()],
        executable: name(),
        ending: Ending::Exec(name()),
        modules: vec![Module { path: name(), ..Module::default() }],
        nodes: vec![StackNode::default(), node(0, 5), node(1, 6)],
        sites: vec![SiteCounts { node: NodeIndex(2), allocations: 1, allocated_bytes: 10, ..SiteCounts::default() }],
        snapshots: vec![Snapshot { at_ms: 1, reason: SnapshotReason::Exit, pause_ns: 0, groups: vec![group] }],
        history: History { points: vec![point(0), point(9)], peak: PeakSites::default(), sizes: Vec::new() },
        resolved: vec![code(5), code(6)],
        losses: vec![Loss { what: name(), why: name() }],
        ..Process::default()
    };
    Recording { command: vec![name()], processes: vec![process], ..Recording::default() }
}

/// A page without private things names no folder, no argument and no line of source.
pub(crate) fn check_redacted(page: &Page, recorded: &Recorded) {
    views::ALL.iter().for_each(|view| page.view(view));
    page.view("findings");
    page.browser.run(
        "for (const button of [...document.querySelectorAll('#view-findings .open')].slice(0, 20)) button.click();",
    );
    page.wait("[...document.querySelectorAll('#view-findings .detail td')].every((cell) => cell.dataset.loaded)");
    let text = page.text("document.documentElement.textContent");
    let folder = recorded.folder.path().to_str().expect("a path");
    for secret in [folder, "/tmp/", "/usr/", "open-sesame", "script.py", "insert into", "threads.cc", "new std::string"]
    {
        // The page's own words may hold none of these, so the text of its elements is enough.
        assert!(!text.contains(secret), "{}: `{secret}` is in the page", page.name);
    }
    assert!(text.contains("Withheld"), "{}", page.name);
}
