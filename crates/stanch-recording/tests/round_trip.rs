//! Whatever recording is consistent comes back from its file as it was.

use std::io::{self, Cursor};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use stanch_recording::{
    AllocatorFunction, Archive, Class, Ending, FormatVersion, Group, History, HistoryPoint, LIFETIME_BUCKETS, Loss,
    Misuse, MisuseKind, Module, NodeIndex, Package, PeakSite, PeakSites, PointSites, Process, ReadError, Recording,
    ResolvedCode, ResolvedFrame, RuntimeAddress, Sampling, SeenBlocks, SiteCounts, SiteIndex, SizeClass, Snapshot,
    SnapshotReason, StackNode, WriteError, check, read, read_file, write, write_file,
};

mod common;

fn written(recording: &Recording) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(recording, &mut bytes).unwrap();
    bytes
}

fn check_round_trip(recording: &Recording) {
    let (read, losses) = read(Cursor::new(written(recording))).unwrap();
    assert_eq!(losses, []);
    assert!(read == *recording, "what was read is not what was written");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_recordings(recording in any_recording()) {
        prop_assert_eq!(check(&recording), Ok(()));
        let (read, losses) = read(Cursor::new(written(&recording))).unwrap();
        prop_assert_eq!(losses, vec![]);
        prop_assert_eq!(read, recording);
    }
}

#[test]
fn realistic_recordings() {
    check_round_trip(&Recording::default());
    check_round_trip(&common::recording(common::Scale { nodes: 300, sites: 100, addresses: 50 }));
    // More than one chunk of each list.
    check_round_trip(&common::recording(common::Scale { nodes: 200_000, sites: 70_000, addresses: 70_000 }));
}

/// A file that packs too well to explain its reader's memory is made longer.
#[test]
fn endless_repetition() {
    let deep = (0..3_000_000_u32)
        .map(|index| StackNode { parent: NodeIndex(index.saturating_sub(1)), ..StackNode::default() })
        .collect();
    let name = "n".repeat(1 << 10);
    let frame = ResolvedFrame { function: Some(name.clone()), file: Some(name), ..ResolvedFrame::default() };
    let code = |address| ResolvedCode { module: 0, address: RuntimeAddress(address), frames: vec![frame.clone(); 2] };
    let process = Process { nodes: deep, resolved: (0..10_000).map(code).collect(), ..Process::default() };
    let recording = Recording { processes: vec![process], ..Recording::default() };
    check_round_trip(&recording);
}

#[test]
fn one_process_is_read_without_the_others() {
    let recording = common::recording(common::Scale { nodes: 300, sites: 100, addresses: 50 });
    let mut archive = Archive::open(Cursor::new(written(&recording))).unwrap();
    assert_eq!(archive.version(), FormatVersion::CURRENT);
    assert_eq!((archive.tree().command.as_slice(), archive.process_count()), (recording.command.as_slice(), 2));
    assert_eq!(archive.process(1).unwrap(), (recording.processes[1].clone(), vec![]));
    assert_eq!(archive.losses(), []);
}

#[test]
fn inconsistent_recordings_are_not_written() {
    let site = SiteCounts { node: NodeIndex(1), ..SiteCounts::default() };
    let process = Process { nodes: vec![StackNode::default()], sites: vec![site], ..Process::default() };
    let recording = Recording { processes: vec![process], ..Recording::default() };
    let mut bytes = Vec::new();
    let error = write(&recording, &mut bytes).unwrap_err();
    assert!(matches!(&error, WriteError::Inconsistent(problem) if problem.what == "site"), "{error:?}");
    assert_eq!(bytes, []);
}

#[test]
fn files_appear_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.stanch");
    let first = Recording { tool_version: "first".to_owned(), ..Recording::default() };
    let second = common::recording(common::Scale { nodes: 300, sites: 100, addresses: 50 });
    for recording in [&first, &second] {
        write_file(recording, &path).unwrap();
        assert_eq!(read_file(&path).unwrap(), (recording.clone(), vec![]));
    }
    let mut broken = second.clone();
    broken.processes[1].nodes.clear();
    assert!(matches!(write_file(&broken, &path), Err(WriteError::Inconsistent(_))));
    assert!(matches!(write_file(&first, &folder.path().join("no/such/folder")), Err(WriteError::Io(_))));
    assert_eq!(read_file(&path).unwrap().0, second);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");

    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    write_file(&first, &link).unwrap();
    assert!(link.is_symlink());
    assert_eq!(read_file(&path).unwrap().0, first);
    // A device is written to, not replaced.
    write_file(&first, std::path::Path::new("/dev/null")).unwrap();
    assert!(!std::path::Path::new("/dev/null").is_file());
}

#[test]
fn a_full_disk_is_an_error() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    assert!(matches!(write(&Recording::default(), Full), Err(WriteError::Io(_))));
}

#[test]
fn foreign_and_later_files_are_refused() {
    let refused = |bytes: &[u8]| read(Cursor::new(bytes.to_vec())).unwrap_err();
    assert!(matches!(refused(b""), ReadError::NotARecording));
    assert!(matches!(refused(b"\x7FELF and much more of an executable"), ReadError::NotARecording));
    let mut later = written(&Recording::default());
    later[10..12].copy_from_slice(&[9, 0]);
    let checksum = crc32fast::hash(&later[..16]);
    later[16..20].copy_from_slice(&checksum.to_le_bytes());
    let error = refused(&later);
    assert!(matches!(error, ReadError::TooNew { needed: FormatVersion(9), .. }));
    assert_eq!(error.to_string(), "recording needs a reader of format version 9, this one knows version 2");
}

fn any_recording() -> impl Strategy<Value = Recording> {
    (any_text(), vec(any_text(), 0..3), any::<u64>(), vec(any_process(), 0..4), any_losses()).prop_map(
        |(tool_version, command, started_unix_ms, processes, losses)| Recording {
            tool_version,
            command,
            started_unix_ms,
            processes,
            losses,
        },
    )
}

/// Indexes are drawn from the whole range and then cut to the length of the list they point into.
fn any_process() -> impl Strategy<Value = Process> {
    let facts = (any::<[u32; 2]>(), vec(any_text(), 0..3), any_text(), any::<[u64; 5]>(), any_ending(), any_losses());
    let lists = (
        vec(any_module(), 0..4),
        vec((any::<u32>(), any::<u64>(), any::<u16>()), 0..20),
        vec(any_site(), 0..20),
        vec(any_snapshot(), 0..3),
        vec(any_misuse(), 0..3),
        vec(any_code(), 0..10),
        option::of((1..u64::MAX, vec(any_seen(), 0..10))),
        any_history(),
    );
    (facts, lists).prop_map(|(facts, lists)| {
        let ([pid, parent_pid], command, executable, numbers, ending, losses) = facts;
        let [started_ms, duration_ms, allocations, allocated_bytes, peak_bytes] = numbers;
        let (modules, nodes, sites, snapshots, misuses, resolved, sampling, history) = lists;
        let nodes = (0_u32..).zip(nodes).map(|(index, (parent, address, module))| StackNode {
            parent: NodeIndex(parent.checked_rem(index).unwrap_or(0)),
            address: RuntimeAddress(address),
            module: module % (modules.len() as u16 + 1),
        });
        let nodes = nodes.collect();
        let mut process = Process {
            pid,
            parent_pid,
            command,
            executable,
            started_ms,
            duration_ms,
            ending,
            allocations,
            allocated_bytes,
            peak_bytes,
            modules,
            nodes,
            sites,
            snapshots,
            history,
            misuses,
            resolved,
            sampling: sampling.map(|(mean_bytes, seen)| Sampling { mean_bytes, seen }),
            losses,
        };
        make_consistent(&mut process);
        process
    })
}

fn make_consistent(process: &mut Process) {
    let node_count = process.nodes.len() as u32;
    if node_count == 0 {
        process.sites.clear();
        process.misuses.clear();
    }
    let site_count = process.sites.len() as u32;
    process.sites.iter_mut().for_each(|site| site.node.0 %= node_count);
    for snapshot in &mut process.snapshots {
        snapshot.groups.truncate(if site_count == 0 { 0 } else { usize::MAX });
        snapshot.groups.iter_mut().for_each(|group| group.site.0 %= site_count);
    }
    if let Some(sampling) = &mut process.sampling {
        sampling.seen.truncate(if site_count == 0 { 0 } else { usize::MAX });
        sampling.seen.iter_mut().for_each(|seen| seen.site.0 %= site_count);
    }
    process.history.peak.sites.truncate(if site_count == 0 { 0 } else { usize::MAX });
    process.history.peak.sites.iter_mut().for_each(|held| held.site.0 %= site_count);
    for sites in process.history.points.iter_mut().filter_map(|point| point.sites.as_mut()) {
        sites.held.truncate(if site_count == 0 { 0 } else { usize::MAX });
        sites.held.iter_mut().for_each(|(site, _)| site.0 %= site_count);
    }
    for misuse in &mut process.misuses {
        misuse.freed_at.0 %= node_count;
        misuse.site = misuse.site.and_then(|site| Some(SiteIndex(site.0.checked_rem(site_count)?)));
    }
    let module_count = process.modules.len() as u16;
    process.resolved.iter_mut().for_each(|code| code.module %= module_count + 1);
    process.resolved.sort_by_key(|code| (code.module, code.address));
}

fn any_seen() -> impl Strategy<Value = SeenBlocks> {
    any::<(u32, u64, u64)>().prop_map(|(site, block_bytes, blocks)| SeenBlocks {
        site: SiteIndex(site),
        allocator: AllocatorFunction::Memalign,
        block_bytes,
        blocks,
    })
}

/// A reader that knows nothing of samples would give estimates for exact.
#[test]
fn sampled_recordings_need_a_reader_that_knows_them() {
    let sampled =
        |sampling| Recording { processes: vec![Process { sampling, ..Process::default() }], ..Recording::default() };
    let needed = |recording: &Recording| u16::from_le_bytes([written(recording)[10], written(recording)[11]]);
    assert_eq!(needed(&sampled(Some(Sampling { mean_bytes: 1, seen: Vec::new() }))), 2);
    assert_eq!(needed(&sampled(None)), 1);
    let without_distance = sampled(Some(Sampling::default()));
    assert!(matches!(write(&without_distance, &mut Vec::new()), Err(WriteError::Inconsistent(_))));
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just("ab".repeat(100)), "\\PC{0,8}"]
}

fn any_losses() -> impl Strategy<Value = Vec<Loss>> {
    vec((any_text(), any_text()).prop_map(|(what, why)| Loss { what, why }), 0..3)
}

fn any_ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        Just(Ending::Unknown),
        Just(Ending::Running),
        any::<Option<i32>>().prop_map(Ending::Exited),
        any::<i32>().prop_map(Ending::Signaled),
        any_text().prop_map(Ending::Exec),
    ]
}

fn any_module() -> impl Strategy<Value = Module> {
    let package = (any_text(), any_text()).prop_map(|(name, version)| Package { name, version });
    (any_text(), vec(any::<u8>(), 0..20), any::<u64>(), any::<bool>(), option::of(package)).prop_map(
        |(path, build_id, load_bias, unloaded, package)| Module { path, build_id, load_bias, unloaded, package },
    )
}

fn any_site() -> impl Strategy<Value = SiteCounts> {
    (any::<u32>(), any::<[u64; 2]>(), any::<[Option<u64>; LIFETIME_BUCKETS]>()).prop_map(
        |(node, [allocations, allocated_bytes], lifetimes)| SiteCounts {
            node: NodeIndex(node),
            allocations,
            allocated_bytes,
            lifetimes: lifetimes.map(Option::unwrap_or_default),
        },
    )
}

fn any_allocator() -> impl Strategy<Value = AllocatorFunction> {
    use AllocatorFunction::{
        Brk, Calloc, Inherited, Malloc, Memalign, Mmap, New, NewAligned, NewArray, NewArrayAligned, Realloc,
    };
    prop::sample::select(vec![
        Inherited,
        Malloc,
        Calloc,
        Realloc,
        Memalign,
        New,
        NewArray,
        NewAligned,
        NewArrayAligned,
        Mmap,
        Brk,
    ])
}

fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    use Class::{DefinitelyLost, IndirectlyLost, Live, PossiblyLost, StillReachable};
    use SnapshotReason::{Exit, Killed, OnDemand, RecordingEnded};
    let class = prop::sample::select(vec![DefinitelyLost, IndirectlyLost, PossiblyLost, StillReachable, Live]);
    let reason = prop::sample::select(vec![Exit, OnDemand, Killed, RecordingEnded]);
    let group = (any::<u32>(), any_allocator(), class, any::<[u64; 6]>()).prop_map(
        |(site, allocator, class, [blocks, bytes, indirect_blocks, indirect_bytes, oldest_ms, newest_ms])| Group {
            site: SiteIndex(site),
            allocator,
            class,
            blocks,
            bytes,
            indirect_blocks,
            indirect_bytes,
            oldest_ms,
            newest_ms,
        },
    );
    (any::<[u64; 2]>(), reason, vec(group, 0..10)).prop_map(|([at_ms, pause_ns], reason, groups)| Snapshot {
        at_ms,
        reason,
        pause_ns,
        groups,
    })
}

fn any_history() -> impl Strategy<Value = History> {
    let held = vec((any::<u32>().prop_map(SiteIndex), any::<u64>()), 0..4);
    let sites = (any::<[u64; 2]>(), held).prop_map(|([live_blocks, allocations], held)| PointSites {
        live_blocks,
        allocations,
        held,
    });
    let point = (any::<[u64; 4]>(), option::of(sites)).prop_map(
        |([at_ms, heap_bytes, mapped_bytes, resident_bytes], sites)| HistoryPoint {
            at_ms,
            heap_bytes,
            mapped_bytes,
            resident_bytes,
            sites,
        },
    );
    let peak_site =
        any::<(u32, u64, u64)>().prop_map(|(site, bytes, blocks)| PeakSite { site: SiteIndex(site), bytes, blocks });
    let size = (0..64_u8, any::<[u64; 2]>()).prop_map(|(log2, [blocks, bytes])| SizeClass { log2, blocks, bytes });
    (vec(point, 0..5), any::<u64>(), vec(peak_site, 0..5), vec(size, 0..5))
        .prop_map(|(points, at_ms, sites, sizes)| History { points, peak: PeakSites { at_ms, sites }, sizes })
}

fn any_misuse() -> impl Strategy<Value = Misuse> {
    let kind = prop::sample::select(vec![MisuseKind::MismatchedFree, MisuseKind::DoubleFree]);
    (kind, any::<Option<u32>>(), any_allocator(), any_text(), any::<u32>(), any::<[u64; 2]>()).prop_map(
        |(kind, site, allocator, freed_by, freed_at, [count, bytes])| Misuse {
            kind,
            site: site.map(SiteIndex),
            allocator,
            freed_by,
            freed_at: NodeIndex(freed_at),
            count,
            bytes,
        },
    )
}

fn any_code() -> impl Strategy<Value = ResolvedCode> {
    let numbers = any::<[Option<u32>; 2]>();
    let frame = (option::of(any_text()), option::of(any_text()), numbers, any::<bool>())
        .prop_map(|(function, file, [line, column], inlined)| ResolvedFrame { function, file, line, column, inlined });
    (any::<u16>(), any::<u64>(), vec(frame, 1..4)).prop_map(|(module, address, frames)| ResolvedCode {
        module,
        address: RuntimeAddress(address),
        frames,
    })
}
