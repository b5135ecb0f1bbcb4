//! Reading: what is in a file, one process at a time or all of it.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use super::budget::Budget;
use super::frame::{HEADER_LENGTH, Header, SectionKind};
use super::index::{self, Place};
use super::process::Lengths;
use super::snapshots::Gathered;
use super::wire::Malformed;
use super::{
    FormatVersion, ReadError, history, misuses, modules, nodes, process, repair, resolved, sampling, sites, tree,
};
use crate::model::{Loss, Process, Recording, SeenBlocks};

/// An open recording of which only the index and the facts of the whole tree were read.
pub struct Archive<R> {
    input: R,
    length: u64,
    version: FormatVersion,
    tree: Recording,
    /// The sections of each process, in the order of the file.
    processes: Vec<Vec<Place>>,
    losses: Vec<Loss>,
}

impl<R: Read + Seek> Archive<R> {
    /// Opens a recording; reads a part of it that does not grow with the processes' stacks.
    ///
    /// # Errors
    ///
    /// As [`read`](super::read).
    pub fn open(mut input: R) -> Result<Self, ReadError> {
        let length = input.seek(SeekFrom::End(0))?;
        let mut losses = Vec::new();
        let version = read_header(&mut input, length, &mut losses)?;
        let places = index::find(&mut input, length, &mut losses)?;
        let mut archive = Self { input, length, version, tree: Recording::default(), processes: Vec::new(), losses };
        archive.sort_sections(places)?;
        Ok(archive)
    }

    /// The format version that the file was written in.
    pub fn version(&self) -> FormatVersion {
        self.version
    }

    /// Facts of the whole tree; its processes are left out.
    pub fn tree(&self) -> &Recording {
        &self.tree
    }

    /// How many processes can be read.
    pub fn process_count(&self) -> usize {
        self.processes.len()
    }

    /// What is missing or damaged of the file outside its processes.
    pub fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// Reads one process, and says what of it is missing or damaged. Takes memory as
    /// [`read`](super::read) does.
    ///
    /// # Errors
    ///
    /// When the input cannot be read.
    ///
    /// # Panics
    ///
    /// When `position` is not below [`process_count`](Self::process_count).
    pub fn process(&mut self, position: usize) -> Result<(Process, Vec<Loss>), ReadError> {
        Ok(self.process_within(position, &mut Budget::of_file(self.length))?)
    }

    /// All processes together, within one budget.
    pub(super) fn into_recording(mut self) -> Result<(Recording, Vec<Loss>), ReadError> {
        let mut budget = Budget::of_file(self.length);
        let mut processes = Vec::new();
        for position in 0..self.processes.len() {
            let (process, losses) = self.process_within(position, &mut budget)?;
            processes.push(process);
            self.losses.extend(losses);
        }
        Ok((Recording { processes, ..self.tree }, self.losses))
    }

    /// Reads the tree's own section and gives every process its sections.
    fn sort_sections(&mut self, places: Vec<Place>) -> io::Result<()> {
        let mut budget = Budget::of_file(self.length);
        let mut processes = BTreeMap::<u32, Vec<Place>>::new();
        let mut expected_processes = None;
        for place in places {
            match (SectionKind::from_code(place.kind), place.process) {
                (Some(SectionKind::Padding | SectionKind::Index), _) => {}
                (Some(SectionKind::Tree), None) if expected_processes.is_none() => {
                    let payload = index::read_section(&mut self.input, self.length, &place, &mut budget)?;
                    match payload.and_then(|(_, payload)| tree::decode(&payload, &mut budget)) {
                        Ok((tree, count)) => (self.tree, expected_processes) = (tree, Some(count)),
                        Err(why) => self.losses.push(damaged("facts of the tree".to_owned(), &place, why)),
                    }
                }
                (Some(_), Some(process)) => processes.entry(process).or_default().push(place),
                _ => self.losses.push(unknown(&place)),
            }
        }
        self.processes = processes.into_values().collect();
        let missing = expected_processes.unwrap_or(0).saturating_sub(self.processes.len());
        if missing > 0 {
            let what = format!("{missing} of {} processes", missing + self.processes.len());
            self.losses.push(Loss { what, why: "the recording was cut off or damaged".to_owned() });
        }
        if expected_processes.is_none() && self.losses.is_empty() {
            let why = "the recording holds none".to_owned();
            self.losses.push(Loss { what: "facts of the tree".to_owned(), why });
        }
        Ok(())
    }

    fn process_within(&mut self, position: usize, budget: &mut Budget) -> io::Result<(Process, Vec<Loss>)> {
        let mut losses = Vec::new();
        let mut parts = Parts::default();
        if let Err(why) = budget.entries::<Process>(1) {
            losses.push(Loss { what: format!("process {position}"), why: why.to_string() });
            return Ok((Process::default(), losses));
        }
        for place in &self.processes[position] {
            let Some(kind) = SectionKind::from_code(place.kind) else { continue };
            let payload = index::read_section(&mut self.input, self.length, place, budget)?;
            if let Err(why) = payload.and_then(|(_, payload)| parts.add(kind, &payload, budget)) {
                losses.push(damaged(format!("{} (process {position})", kind.name()), place, why));
            }
        }
        let process = parts.into_process(position, budget, &mut losses);
        Ok((process, losses))
    }
}

/// A process as its sections are read.
#[derive(Default)]
struct Parts {
    process: Process,
    lengths: Option<Lengths>,
    snapshots: Gathered,
    seen: Option<Vec<SeenBlocks>>,
    /// Gaps before chunks that were read; filled with entries that say nothing.
    missing_nodes: usize,
    missing_sites: usize,
    /// How many sites held anything at the peak.
    peak_sites: usize,
}

impl Parts {
    fn add(&mut self, kind: SectionKind, payload: &[u8], budget: &mut Budget) -> Result<(), Malformed> {
        let known = &mut self.process;
        let once = |is_first: bool| if is_first { Ok(()) } else { Err(Malformed::OutOfRange("its position")) };
        match kind {
            SectionKind::Process => {
                once(self.lengths.is_none())?;
                let (process, lengths) = process::decode(payload, budget)?;
                self.lengths = Some(lengths);
                *known = Process {
                    modules: std::mem::take(&mut known.modules),
                    nodes: std::mem::take(&mut known.nodes),
                    sites: std::mem::take(&mut known.sites),
                    history: std::mem::take(&mut known.history),
                    misuses: std::mem::take(&mut known.misuses),
                    resolved: std::mem::take(&mut known.resolved),
                    ..process
                };
            }
            SectionKind::Modules => {
                once(known.modules.is_empty())?;
                known.modules = modules::decode(payload, budget)?;
            }
            SectionKind::Nodes => self.missing_nodes += nodes::decode(payload, &mut known.nodes, budget)?,
            SectionKind::Sites => self.missing_sites += sites::decode(payload, &mut known.sites, budget)?,
            SectionKind::Snapshots => self.snapshots.decode(payload, budget)?,
            SectionKind::History => {
                once(known.history.points.is_empty() && known.history.sizes.is_empty())?;
                let peak_sites = std::mem::take(&mut known.history.peak.sites);
                (known.history, self.peak_sites) = history::decode(payload, budget)?;
                known.history.peak.sites = peak_sites;
            }
            SectionKind::PeakSites => history::decode_peak(payload, &mut known.history.peak.sites, budget)?,
            SectionKind::Misuses => {
                once(known.misuses.is_empty())?;
                known.misuses = misuses::decode(payload, budget)?;
            }
            SectionKind::Sampling => {
                once(self.seen.is_none())?;
                self.seen = Some(sampling::decode(payload, budget)?);
            }
            SectionKind::Resolved => resolved::decode(payload, &mut known.resolved, budget)?,
            SectionKind::Padding | SectionKind::Tree | SectionKind::Index => {}
        }
        Ok(())
    }

    fn into_process(self, position: usize, budget: &mut Budget, losses: &mut Vec<Loss>) -> Process {
        let mut process = self.process;
        let (snapshots, missing_groups) = self.snapshots.finish();
        process.snapshots = snapshots;
        if let Some(sampling) = &mut process.sampling {
            sampling.seen = self.seen.unwrap_or_default();
        }
        let missing = repair::Missing {
            nodes: self.missing_nodes,
            sites: self.missing_sites,
            groups: missing_groups,
            peak_sites: self.peak_sites.saturating_sub(process.history.peak.sites.len()),
        };
        repair::repair(&mut process, position, self.lengths, missing, budget, losses);
        process
    }
}

fn read_header<R: Read + Seek>(input: &mut R, length: u64, losses: &mut Vec<Loss>) -> Result<FormatVersion, ReadError> {
    if length < HEADER_LENGTH {
        return Err(ReadError::NotARecording);
    }
    let mut bytes = [0; HEADER_LENGTH as usize];
    input.seek(SeekFrom::Start(0))?;
    input.read_exact(&mut bytes)?;
    let (header, is_intact) = Header::from_bytes(&bytes).ok_or(ReadError::NotARecording)?;
    if !is_intact {
        let what = "the format version of the recording, which is taken for ours".to_owned();
        losses.push(Loss { what, why: "header: its checksum differs".to_owned() });
        return Ok(FormatVersion::CURRENT);
    }
    if header.readable_since > FormatVersion::CURRENT {
        return Err(ReadError::TooNew { needed: header.readable_since, known: FormatVersion::CURRENT });
    }
    Ok(header.version)
}

fn damaged(what: String, place: &Place, why: Malformed) -> Loss {
    Loss { what, why: format!("section at byte {}: {why}", place.offset) }
}

fn unknown(place: &Place) -> Loss {
    Loss {
        what: format!("a section of kind {}", place.kind),
        why: format!("section at byte {}: this version does not know it", place.offset),
    }
}
