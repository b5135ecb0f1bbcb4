//! RPM's database has no stable form, so its own program is asked.
use crate::root::Root;
use stanch_recording::Package;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Asks `rpm`.
pub(super) struct Rpm {
    /// `None` for a file tree that is not ours: `rpm` cannot look into one without privileges.
    program: Option<PathBuf>,
}

impl Rpm {
    /// Runs nothing yet.
    pub(super) fn new(root: &Root) -> Self {
        Self { program: root.is_ours().then(|| PathBuf::from("rpm")) }
    }

    /// The package that owns the file at this path. A missing program is remembered.
    pub(super) fn owner(&mut self, path: &Path) -> Option<Package> {
        let program = self.program.as_ref()?;
        let mut command = Command::new(program);
        command.args(["-qf", "--qf", "%{NAME}\t%{VERSION}-%{RELEASE}\n", "--"]).arg(path);
        match command.stdin(Stdio::null()).stderr(Stdio::null()).output() {
            Ok(output) if output.status.success() => parse(&output.stdout),
            Ok(_) => None,
            Err(_) => {
                self.program = None;
                None
            }
        }
    }
}

/// The first line; several packages may own one file.
fn parse(output: &[u8]) -> Option<Package> {
    let line = std::str::from_utf8(output).ok()?.lines().next()?;
    let (name, version) = line.split_once('\t')?;
    Some(Package { name: name.to_owned(), version: version.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_program_is_asked_and_may_be_missing() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("rpm");
        let script = "#!/bin/sh\n[ \"$5\" = /usr/bin/ls ] || { echo \"file $5 is not owned\"; exit 1; }\n\
                      printf 'coreutils\\t9.1-12.fc37\\ncoreutils-single\\t9.1-12.fc37\\n'\n";
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut rpm = Rpm { program: Some(program) };
        let expected = Package { name: "coreutils".into(), version: "9.1-12.fc37".into() };
        assert_eq!(rpm.owner(Path::new("/usr/bin/ls")), Some(expected));
        assert_eq!(rpm.owner(Path::new("/usr/bin/other")), None);
        let mut missing = Rpm { program: Some(directory.path().join("none")) };
        assert_eq!(missing.owner(Path::new("/usr/bin/ls")), None);
        assert_eq!(missing.program, None);
    }
}
