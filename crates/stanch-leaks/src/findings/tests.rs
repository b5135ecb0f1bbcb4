//! Reports from recordings made by hand.
use crate::{Scope, report};
use stanch_finding::{BlockCount, ByteCount, Confidence, Evidence, Finding, Kind, OwnerKind, Report};
use stanch_recording::{
    AllocatorFunction, Class, Ending, Group, LIFETIME_BUCKETS, Loss, Misuse, MisuseKind, Module, NodeIndex, Package,
    Process, Recording, ResolvedCode, ResolvedFrame, RuntimeAddress, Sampling, SeenBlocks, SiteCounts, SiteIndex,
    Snapshot, SnapshotReason, StackNode,
};

const APP: u16 = 1;
const LIBC: u16 = 2;
const XML: u16 = 3;

/// A process of the program `/srv/app/json`, 20 s old, without stacks.
fn process() -> Process {
    let module = |path: &str, package: Option<&str>| Module {
        path: path.to_owned(),
        load_bias: 0x1000,
        package: package.map(|name| Package { name: name.to_owned(), version: "2.9-1".to_owned() }),
        ..Module::default()
    };
    Process {
        pid: 17,
        parent_pid: 16,
        command: vec!["json".to_owned(), "x.json".to_owned()],
        executable: "/srv/app/json".to_owned(),
        duration_ms: 20_000,
        ending: Ending::Exited(Some(0)),
        allocations: 6_000,
        allocated_bytes: 1 << 30,
        peak_bytes: 1 << 21,
        modules: vec![
            module("/srv/app/json", None),
            module("/usr/lib/x86_64-linux-gnu/libc.so.6", Some("libc6")),
            module("/usr/lib/x86_64-linux-gnu/libxml2.so.2", Some("libxml2")),
        ],
        nodes: vec![StackNode::default()],
        snapshots: vec![Snapshot { at_ms: 20_000, reason: SnapshotReason::Exit, pause_ns: 0, groups: Vec::new() }],
        ..Process::default()
    }
}

/// Module, function, line.
type Call = (u16, &'static str, u32);

/// Builds recordings: each method returns what later ones refer to.
struct Maker {
    process: Process,
}

impl Maker {
    fn new() -> Self {
        Self { process: process() }
    }

    /// A stack, innermost call first. A function is inlined where its name begins with `~`.
    fn stack(&mut self, frames: &[Call]) -> NodeIndex {
        let mut node = NodeIndex(0);
        let mut inlined = Vec::new();
        let mut frames = frames.iter().rev().peekable();
        while let Some(&(module, function, line)) = frames.next() {
            inlined.insert(
                0,
                ResolvedFrame {
                    function: Some(function.trim_start_matches('~').to_owned()),
                    file: (module == APP).then(|| "src/json.c".to_owned()),
                    line: (module == APP).then_some(line),
                    column: None,
                    inlined: function.starts_with('~'),
                },
            );
            if frames.peek().is_some_and(|next| next.1.starts_with('~')) {
                continue;
            }
            let number = self.process.nodes.len() as u32;
            let address = RuntimeAddress(0x2000 + u64::from(number) * 16);
            self.process.nodes.push(StackNode { parent: node, address, module });
            self.process.resolved.push(ResolvedCode { module, address, frames: std::mem::take(&mut inlined) });
            self.process.resolved.sort_by_key(|code| (code.module, code.address));
            node = NodeIndex(number);
        }
        node
    }

    fn site(&mut self, frames: &[Call], allocations: u64, freed: u64) -> SiteIndex {
        let node = self.stack(frames);
        let mut lifetimes = [0; LIFETIME_BUCKETS];
        lifetimes[1] = freed;
        self.process.sites.push(SiteCounts { node, allocations, allocated_bytes: allocations * 10, lifetimes });
        SiteIndex(self.process.sites.len() as u32 - 1)
    }

    fn group(&mut self, group: Group) {
        self.process.snapshots[0].groups.push(group);
    }

    fn report(&self) -> Report {
        report(&self.process, &Recording::default(), Scope::Everything)
    }
}

fn group(site: SiteIndex, class: Class, blocks: u64, bytes: u64) -> Group {
    Group {
        site,
        allocator: AllocatorFunction::Malloc,
        class,
        blocks,
        bytes,
        indirect_blocks: 0,
        indirect_bytes: 0,
        oldest_ms: 7_700,
        newest_ms: 19_900,
    }
}

fn text<'f>(finding: &'f Finding, kind: &str) -> Option<&'f str> {
    finding.evidence.iter().find(|evidence: &&Evidence| evidence.kind == kind).map(|evidence| evidence.text.as_str())
}

fn fix(finding: &Finding) -> &str {
    finding.fix.as_ref().map_or("", |fix| &fix.text)
}

#[test]
fn a_sampled_recording_gives_estimates_and_mappings_stay_exact() {
    let mut maker = Maker::new();
    let site = maker.site(&PARSE, 500_000, 300_000);
    maker.group(group(site, Class::Live, 201_342, 12_885_888));
    let mapping = Group { allocator: AllocatorFunction::Mmap, ..group(site, Class::Live, 1, 4_096) };
    maker.group(mapping);
    let seen = SeenBlocks { site, allocator: AllocatorFunction::Malloc, block_bytes: 64, blocks: 25 };
    maker.process.sampling = Some(Sampling { mean_bytes: 512 << 10, seen: vec![seen] });
    let report = maker.report();
    assert_eq!(report.sampling.map(|sampling| sampling.mean_bytes), Some(ByteCount(512 << 10)));
    let totals = report.totals.estimate.expect("an estimate");
    assert!(totals.low.bytes < report.totals.live.0 && report.totals.live.0 < totals.high.bytes);
    let [estimated, exact] = &report.findings[..] else { panic!("{:?}", report.findings) };
    let estimate = estimated.estimate.expect("an estimate");
    // 25 samples: the Poisson interval of Jeffreys' prior is half of chi-squared with 51 degrees of freedom.
    assert_eq!(estimate.samples, 25);
    let share = |blocks: BlockCount| blocks.0 as f64 / 8_066.5;
    assert!((share(estimate.low.blocks) - 16.58).abs() < 0.02, "{estimate:?}");
    assert!((share(estimate.high.blocks) - 36.31).abs() < 0.02, "{estimate:?}");
    assert!(estimated.message.starts_with("about 12.3 MiB (95 %: "), "{}", estimated.message);
    assert!(estimated.message.contains(" in about 201,000 blocks allocated by `parse`"), "{}", estimated.message);
    assert!(text(estimated, "sampling").is_some_and(|text| text.starts_with("estimated from 25 sampled blocks: ")));
    let counts = "this place allocated about 500,000 blocks and freed about 300,000 blocks";
    assert_eq!(text(estimated, "counts"), Some(counts));
    assert!(exact.estimate.is_none() && exact.message.starts_with("4.00 KiB in 1 block"));
    assert_eq!(report.incomplete.len(), 1);
    assert!(report.incomplete[0].why.contains("for every 512 KiB allocated"), "{:?}", report.incomplete);
}

const PARSE: [Call; 3] = [(APP, "parse", 88), (APP, "main", 120), (LIBC, "__libc_start_main", 0)];

#[test]
fn a_definitely_lost_finding_says_what_is_known() {
    let mut maker = Maker::new();
    let site = maker.site(&PARSE, 5_000, 4_688);
    let lost = group(site, Class::DefinitelyLost, 312, 1_468_006);
    maker.group(Group { indirect_blocks: 2, indirect_bytes: 64, ..lost });
    let report = maker.report();
    let [finding] = report.findings.as_slice() else { panic!("one finding: {report:?}") };

    assert_eq!(finding.message, "1.40 MiB in 312 blocks allocated by `parse` (json.c:88) are definitely lost");
    assert_eq!((finding.rule.as_str(), finding.kind), ("leak/definitely-lost", Kind::DefinitelyLost));
    assert_eq!(finding.confidence, Confidence::Proven);
    assert_eq!((finding.bytes, finding.blocks), (ByteCount(1_468_006), BlockCount(312)));
    assert_eq!((finding.indirect_bytes, finding.indirect_blocks), (ByteCount(64), BlockCount(2)));
    assert_eq!((finding.owner.kind, finding.owner.name.as_str()), (OwnerKind::Application, "json"));
    assert_eq!(finding.site.allocator, "malloc");
    assert_eq!(finding.site.stack.len(), 3);
    assert_eq!(finding.site.stack[0].module.as_deref(), Some("/srv/app/json"));
    assert_eq!(finding.site.stack[2].module.as_deref(), Some("/usr/lib/x86_64-linux-gnu/libc.so.6"));
    assert_eq!(
        text(finding, "reachability"),
        Some("when the program ended, no register, stack, global or live block held a pointer to any of them")
    );
    assert_eq!(text(finding, "counts"), Some("this place allocated 5,000 blocks and freed 4,688; 312 are left"));
    assert_eq!(
        text(finding, "age"),
        Some("the oldest was allocated 12.3 s before the end, the newest 100 ms, in a run of 20.0 s")
    );
    assert_eq!(
        text(finding, "lifetimes"),
        Some("100 % of the blocks freed were freed within 50 ms; the oldest left has lived 12.3 s")
    );
    assert_eq!(text(finding, "indirect"), Some("64 bytes in 2 blocks are lost with them: reached only from there"));
    assert_eq!(text(finding, "stacks"), None);
    assert_eq!(
        fix(finding),
        "most of what `parse` (json.c:88) gets from `malloc` is freed (4,688 of 5,000), so a path that is seldom \
         taken, such as an error or an early return, probably skips `free`; \
         release first what only these blocks point to"
    );
}

#[test]
fn each_class_has_its_kind_rule_and_confidence() {
    let mut maker = Maker::new();
    let site = maker.site(&PARSE, 5, 0);
    for class in [Class::Live, Class::StillReachable, Class::PossiblyLost, Class::IndirectlyLost, Class::DefinitelyLost]
    {
        maker.group(group(site, class, 1, 10));
    }
    let mapped = Group { allocator: AllocatorFunction::Mmap, ..group(site, Class::DefinitelyLost, 1, 4096) };
    maker.group(mapped);
    let report = maker.report();
    let found: Vec<_> = report.findings.iter().map(|f| (f.kind, f.rule.as_str(), f.confidence)).collect();
    assert_eq!(
        found,
        [
            (Kind::DefinitelyLost, "leak/definitely-lost", Confidence::Likely),
            (Kind::DefinitelyLost, "leak/definitely-lost", Confidence::Proven),
            (Kind::IndirectlyLost, "leak/indirectly-lost", Confidence::Proven),
            (Kind::PossiblyLost, "leak/possibly-lost", Confidence::Possible),
            (Kind::Live, "leak/live", Confidence::Possible),
            (Kind::StillReachable, "leak/still-reachable", Confidence::Proven),
        ]
    );
    assert_eq!(report.findings[0].site.allocator, "mmap");
    assert_eq!(
        text(&report.findings[1], "counts"),
        Some("this place allocated 5 blocks and freed none; 5 are left, of which 1 is definitely lost")
    );
    assert_eq!(report.totals.definitely_lost, (ByteCount(4106), BlockCount(2)));
    assert_eq!(report.totals.indirectly_lost, (ByteCount(10), BlockCount(1)));
    assert_eq!(report.totals.possibly_lost, (ByteCount(10), BlockCount(1)));
    assert_eq!(report.totals.still_reachable, (ByteCount(10), BlockCount(1)));
    assert_eq!(report.totals.live, (ByteCount(10), BlockCount(1)));
    assert_eq!((report.totals.allocations, report.totals.peak_bytes), (6_000, ByteCount(1 << 21)));
}

#[test]
fn stacks_to_one_place_merge() {
    let mut maker = Maker::new();
    let small = maker.site(&[(APP, "parse", 88), (APP, "reload", 7), (APP, "main", 121)], 3, 1);
    let large = maker.site(&PARSE, 5, 0);
    let third = maker.site(&[(APP, "parse", 89), (APP, "main", 122)], 1, 0);
    maker.group(group(small, Class::DefinitelyLost, 2, 20));
    maker.group(group(large, Class::DefinitelyLost, 5, 50));
    maker.group(group(third, Class::DefinitelyLost, 1, 10));
    maker.group(group(third, Class::StillReachable, 1, 10));
    let report = maker.report();
    assert_eq!(report.findings.len(), 2);
    let finding = &report.findings[0];
    assert_eq!((finding.bytes, finding.blocks), (ByteCount(80), BlockCount(8)));
    assert_eq!(finding.site.stack[1].function.as_deref(), Some("main"));
    assert_eq!(
        text(finding, "stacks"),
        Some(
            "2 other stacks lead to the same place; the biggest of them allocated 20 bytes in 2 blocks: \
             `parse` (json.c:88) ← `reload` (json.c:7) ← `main` (json.c:121)"
        )
    );
    assert_eq!(text(finding, "counts"), Some("this place allocated 9 blocks and freed 1; 8 are left"));
    assert_eq!(report.findings[0].fingerprint, report.findings[1].fingerprint);
}

#[test]
fn inherited_blocks_are_the_parents() {
    let mut maker = Maker::new();
    let site = maker.site(&PARSE, 1, 0);
    maker.group(Group { allocator: AllocatorFunction::Inherited, ..group(site, Class::DefinitelyLost, 1, 10) });
    let report = maker.report();
    assert!(report.findings.is_empty());
    assert_eq!(report.totals.definitely_lost, (ByteCount(0), BlockCount(0)));
}

#[test]
fn inlined_and_unresolved_frames() {
    let mut maker = Maker::new();
    let site = maker.site(&[(APP, "~make_node", 5), (APP, "~grow", 6), (APP, "parse", 88), (APP, "main", 9)], 1, 0);
    let nowhere = StackNode { parent: NodeIndex(1), address: RuntimeAddress(0x9001), module: XML };
    maker.process.nodes.push(nowhere);
    let node = NodeIndex(maker.process.nodes.len() as u32 - 1);
    maker.process.sites.push(SiteCounts { node, allocations: 1, ..SiteCounts::default() });
    maker.group(group(site, Class::DefinitelyLost, 1, 20));
    maker.group(group(SiteIndex(1), Class::DefinitelyLost, 1, 10));
    let report = maker.report();

    let names = |finding: &Finding| -> Vec<(Option<String>, bool)> {
        finding.site.stack.iter().map(|frame| (frame.function.clone(), frame.inlined)).collect()
    };
    let named = |name: &str, inlined| (Some(name.to_owned()), inlined);
    let inlined = [named("make_node", true), named("grow", true), named("parse", false), named("main", false)];
    assert_eq!(names(&report.findings[0]), inlined);
    assert_eq!(names(&report.findings[1]), [(None, false), named("main", false)]);
    assert_eq!(report.findings[1].site.stack[0].module_offset, Some(0x8000));
    assert_eq!(report.findings[1].message, "10 bytes in 1 block allocated by libxml2.so.2+0x8000 is definitely lost");
    let owner = &report.findings[1].owner;
    assert_eq!(
        (owner.kind, owner.name.as_str(), owner.version.as_deref()),
        (OwnerKind::Library, "libxml2", Some("2.9-1"))
    );
}

#[test]
fn births_over_the_whole_run_mean_growth() {
    let mut maker = Maker::new();
    let site = maker.site(&PARSE, 100, 0);
    let lost = group(site, Class::DefinitelyLost, 100, 1000);
    maker.group(Group { oldest_ms: 100, newest_ms: 19_000, ..lost });
    maker.group(Group { class: Class::StillReachable, oldest_ms: 100, newest_ms: 200, ..lost });
    let report = maker.report();
    let ages: Vec<_> = report.findings.iter().filter_map(|finding| text(finding, "age")).collect();
    assert!(ages[0].ends_with("spread over the whole run of 20.0 s, so it grows with time"), "{}", ages[0]);
    assert!(ages[1].ends_with("all at the beginning of a run of 20.0 s, so it does not grow with time"), "{}", ages[1]);
}

#[test]
fn advice_knows_how_things_are_released() {
    let cases: [(&[Call], AllocatorFunction, &[&str]); 6] = [
        (&PARSE, AllocatorFunction::Malloc, &["nobody ever frees", "`malloc`", "`free`"]),
        (&PARSE, AllocatorFunction::NewArray, &["`operator new[]`", "`delete[]`"]),
        (
            &[(LIBC, "__GI___strdup", 0), (APP, "parse", 88)],
            AllocatorFunction::Malloc,
            &["`strdup`", "`free`", "gives the copy"],
        ),
        (&[(LIBC, "_IO_getdelim", 0), (APP, "read", 3)], AllocatorFunction::Malloc, &["`getdelim`", "after the loop"]),
        (&[(LIBC, "fopen64", 0), (APP, "read", 3)], AllocatorFunction::Malloc, &["`fopen`", "`fclose`"]),
        (
            &[(APP, "std::vector<int>::push_back(int const&)", 0), (APP, "fill", 3)],
            AllocatorFunction::New,
            &["container", "destructor"],
        ),
    ];
    for (stack, allocator, expected) in cases {
        let mut maker = Maker::new();
        let site = maker.site(stack, 3, 0);
        maker.group(Group { allocator, ..group(site, Class::DefinitelyLost, 3, 30) });
        let report = maker.report();
        let fix = fix(&report.findings[0]);
        assert!(expected.iter().all(|part| fix.contains(part)), "{fix:?} lacks some of {expected:?}");
    }
}

#[test]
fn wrong_frees_are_findings() {
    let mut maker = Maker::new();
    let site = maker.site(&PARSE, 2, 2);
    let freed_at = maker.stack(&[(APP, "release", 30), (APP, "main", 125)]);
    let mismatch = Misuse {
        kind: MisuseKind::MismatchedFree,
        site: Some(site),
        allocator: AllocatorFunction::NewArray,
        freed_by: "free".to_owned(),
        freed_at,
        count: 2,
        bytes: 40,
    };
    let double = Misuse {
        kind: MisuseKind::DoubleFree,
        site: None,
        allocator: AllocatorFunction::Inherited,
        count: 1,
        ..mismatch.clone()
    };
    maker.process.misuses = vec![mismatch, double];
    let report = maker.report();
    let [double, mismatch] = report.findings.as_slice() else { panic!("two findings: {report:?}") };

    assert_eq!((double.kind, double.rule.as_str()), (Kind::DoubleFree, "free/double"));
    assert_eq!(double.message, "a block of 40 bytes is freed a second time by `release` (json.c:30)");
    assert_eq!(double.site.allocator, "free");
    assert_eq!(mismatch.rule, "free/mismatched");
    assert_eq!(
        mismatch.message,
        "a block of 40 bytes from `operator new[]` allocated by `parse` (json.c:88) is freed with `free` by `release` \
         (json.c:30), 2 times"
    );
    assert_eq!(
        text(mismatch, "freed"),
        Some("freed 2 times with `free` by `release` (json.c:30) ← `main` (json.c:125)")
    );
    assert_eq!(mismatch.evidence[0].path[1].note, "`main` calls");
    assert!(fix(mismatch).starts_with("release it with `delete[]`, not with `free`"));
    assert_eq!((mismatch.blocks, mismatch.owner.name.as_str()), (BlockCount(2), "json"));
}

#[test]
fn what_was_not_seen_is_said() {
    let mut maker = Maker::new();
    let loss = |what: &str| Loss { what: what.to_owned(), why: "test".to_owned() };
    maker.process.losses = vec![loss("a thread"), loss("a thread")];
    let recording = Recording { losses: vec![loss("a child")], ..Recording::default() };
    let whats = |process: &Process| -> Vec<String> {
        report(process, &recording, Scope::Everything)
            .incomplete
            .into_iter()
            .map(|incomplete| incomplete.what)
            .collect()
    };
    assert_eq!(whats(&maker.process), ["a child", "a thread"]);
    maker.process.snapshots[0].reason = SnapshotReason::Killed;
    assert_eq!(whats(&maker.process), ["a child", "a thread", "reachability"]);
    maker.process.snapshots.clear();
    assert_eq!(whats(&maker.process), ["a child", "a thread", "what was live"]);
    assert!(maker.report().findings.is_empty());
}

#[test]
fn endings() {
    let cases = [
        (Ending::Exited(Some(3)), Some(3), "exited with status 3"),
        (Ending::Exited(None), None, "exited"),
        (Ending::Signaled(9), Some(137), "killed by SIGKILL"),
        (Ending::Signaled(40), Some(168), "killed by signal 40"),
        (Ending::Exec("/bin/true".to_owned()), None, "replaced by exec of /bin/true"),
        (Ending::Running, None, "still running"),
        (Ending::Unknown, None, "not known to have ended"),
    ];
    for (ending, status, words) in cases {
        let subject = report(&Process { ending, ..process() }, &Recording::default(), Scope::Everything).subject;
        assert_eq!((subject.exit_status, subject.ending.as_str()), (status, words));
        assert_eq!((subject.pid, subject.parent_pid, subject.duration.as_secs()), (Some(17), Some(16), 20));
    }
}

#[test]
fn damaged_recordings_do_no_harm() {
    let mut maker = Maker::new();
    maker.process.nodes.push(StackNode { parent: NodeIndex(1), address: RuntimeAddress(0), module: 99 });
    maker.process.sites.push(SiteCounts {
        node: NodeIndex(1),
        lifetimes: [u64::MAX; LIFETIME_BUCKETS],
        ..SiteCounts::default()
    });
    let huge = Group {
        oldest_ms: u64::MAX,
        newest_ms: u64::MAX,
        ..group(SiteIndex(0), Class::DefinitelyLost, u64::MAX, u64::MAX)
    };
    maker.group(huge);
    maker.group(Group { site: SiteIndex(7), ..huge });
    assert_eq!(maker.report().findings.len(), 1);
}
