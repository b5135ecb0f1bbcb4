//! Whose bug it is: the module of the frame that owns the allocation decides.
//!
//! An interpreter allocates for what it interprets, and an extension module that it loads has the better claim; so the
//! interpreter's own code is passed over, and named only where nothing else is on the stack.
use super::text::file_name;
use stanch_finding::{Frame, FrameRole, Owner, OwnerKind, Site, owning_frame};
use stanch_recording::{Module, Package, Process};
use std::collections::HashMap;

/// Knows the modules of a process and their packages.
pub(super) struct Owners<'a> {
    executable: &'a str,
    modules: HashMap<&'a str, &'a Module>,
}

impl<'a> Owners<'a> {
    pub(super) fn new(process: &'a Process) -> Self {
        let modules = process.modules.iter().map(|module| (module.path.as_str(), module)).collect();
        Self { executable: &process.executable, modules }
    }

    /// Who owns what this site does.
    pub(super) fn of(&self, site: &Site) -> Owner {
        let Some(owning) = owning_frame(site) else {
            return self.runtime(site.stack.first());
        };
        let is_claimant = |frame: &&Frame| {
            matches!(FrameRole::of(frame), FrameRole::Application | FrameRole::Dependency) && frame.module.is_some()
        };
        let owner = &site.stack[owning];
        if !is_interpreter(owner) {
            return self.of_frame(owner);
        }
        let claimant = site.stack[owning..].iter().filter(is_claimant).find(|frame| !is_interpreter(frame));
        claimant.map_or_else(|| self.runtime(Some(owner)), |claimant| self.of_frame(claimant))
    }

    fn of_frame(&self, frame: &Frame) -> Owner {
        let Some(path) = frame.module.as_deref() else {
            return self.application();
        };
        match self.package(path) {
            _ if path == self.executable => self.application(),
            Some(package) => named_by_package(OwnerKind::Library, package),
            None if is_within(path, application_directory(self.executable)) => self.application(),
            None => Owner { kind: OwnerKind::Library, name: file_name(path).to_owned(), version: None },
        }
    }

    fn application(&self) -> Owner {
        let version = self.package(self.executable).map(|package| package.version.clone());
        Owner { kind: OwnerKind::Application, name: file_name(self.executable).to_owned(), version }
    }

    fn runtime(&self, frame: Option<&Frame>) -> Owner {
        let path = frame.and_then(|frame| frame.module.as_deref());
        match (path.and_then(|path| self.package(path)), path) {
            (Some(package), _) => named_by_package(OwnerKind::Runtime, package),
            (None, Some(path)) => Owner { kind: OwnerKind::Runtime, name: file_name(path).to_owned(), version: None },
            (None, None) => self.application(),
        }
    }

    fn package(&self, path: &str) -> Option<&'a Package> {
        self.modules.get(path)?.package.as_ref()
    }
}

fn named_by_package(kind: OwnerKind, package: &Package) -> Owner {
    Owner { kind, name: package.name.clone(), version: Some(package.version.clone()) }
}

/// True for CPython's executable and library.
fn is_interpreter(frame: &Frame) -> bool {
    let name = frame.module.as_deref().map(file_name).unwrap_or_default();
    let version = name.strip_prefix("libpython").or_else(|| name.strip_prefix("python"));
    version.is_some_and(|version| version.is_empty() || version.starts_with(|first: char| first.is_ascii_digit()))
}

/// The directory whose shared objects belong to the application: the executable's own or, where that is called `bin`,
/// the one above. The system's directories hold everybody's.
fn application_directory(executable: &str) -> Option<&str> {
    let (directory, _) = executable.rsplit_once('/')?;
    let directory = directory.strip_suffix("/bin").unwrap_or(directory);
    let is_shared =
        matches!(directory, "" | "/usr" | "/usr/local" | "/bin" | "/sbin" | "/usr/sbin" | "/lib" | "/usr/lib");
    (!is_shared).then_some(directory)
}

fn is_within(path: &str, directory: Option<&str>) -> bool {
    directory.and_then(|directory| path.strip_prefix(directory)).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGED: [(&str, &str); 4] = [
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "libc6"),
        ("/usr/lib/x86_64-linux-gnu/libxml2.so.2", "libxml2"),
        ("/usr/bin/python3.11", "python3.11-minimal"),
        ("/usr/bin/jq", "jq"),
    ];

    /// Owner, as kind, name and version, of a stack of (function, module), innermost first.
    #[track_caller]
    fn check(executable: &str, stack: &[(&str, &str)], expected: (OwnerKind, &str, Option<&str>)) {
        let package = |name: &str| Package { name: name.to_owned(), version: "1.2-3".to_owned() };
        let module = |&(path, name): &(&str, &str)| Module {
            path: path.to_owned(),
            package: Some(package(name)),
            ..Module::default()
        };
        let process = Process {
            executable: executable.to_owned(),
            modules: PACKAGED.iter().map(module).collect(),
            ..Process::default()
        };
        let frame = |&(function, module): &(&str, &str)| Frame {
            function: Some(function.to_owned()),
            module: Some(module.to_owned()),
            ..Frame::default()
        };
        let site = Site { allocator: "malloc".to_owned(), stack: stack.iter().map(frame).collect() };
        let owner = Owners::new(&process).of(&site);
        assert_eq!((owner.kind, owner.name.as_str(), owner.version.as_deref()), expected);
    }

    const LIBC: &str = PACKAGED[0].0;
    const XML: &str = PACKAGED[1].0;
    const PYTHON: &str = PACKAGED[2].0;

    #[test]
    fn program_and_its_own_libraries() {
        let app = "/opt/app/bin/app";
        check(app, &[("strdup", LIBC), ("load", app), ("main", app)], (OwnerKind::Application, "app", None));
        check(app, &[("load", "/opt/app/lib/libown.so"), ("main", app)], (OwnerKind::Application, "app", None));
        check(app, &[("std::vector<int>::push_back(int)", app), ("load", app)], (OwnerKind::Application, "app", None));
        check("/usr/bin/jq", &[("jv_parse", "/usr/bin/jq")], (OwnerKind::Application, "jq", Some("1.2-3")));
    }

    #[test]
    fn libraries() {
        let app = "/opt/app/bin/app";
        check(app, &[("xmlNewNode", XML), ("main", app)], (OwnerKind::Library, "libxml2", Some("1.2-3")));
        check(app, &[("f", "/srv/other/libfoo.so"), ("main", app)], (OwnerKind::Library, "libfoo.so", None));
        check(
            "/usr/bin/jq",
            &[("f", "/usr/lib/libfoo.so"), ("main", "/usr/bin/jq")],
            (OwnerKind::Library, "libfoo.so", None),
        );
    }

    #[test]
    fn a_librarys_allocation_function_allocates_for_its_caller() {
        check("/srv/app", &[("xmlStrdup", XML), ("main", "/srv/app")], (OwnerKind::Application, "app", None));
    }

    #[test]
    fn runtimes() {
        let runtime = (OwnerKind::Runtime, "libc6", Some("1.2-3"));
        check("/srv/app", &[("_IO_file_doallocate", LIBC), ("__libc_start_main", LIBC)], runtime);
        let python = (OwnerKind::Runtime, "python3.11-minimal", Some("1.2-3"));
        check(PYTHON, &[("new_keys_object", PYTHON), ("Py_BytesMain", PYTHON), ("_start", PYTHON)], python);
        let extension = "/home/u/env/lib/fast.so";
        let stack = [("PyObject_New", PYTHON), ("fast_parse", extension), ("_PyEval_EvalFrameDefault", PYTHON)];
        check(PYTHON, &stack, (OwnerKind::Library, "fast.so", None));
    }

    #[test]
    fn nothing_known() {
        check("/srv/app", &[], (OwnerKind::Application, "app", None));
    }
}
