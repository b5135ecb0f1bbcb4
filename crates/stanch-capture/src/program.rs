//! Can this program be recorded at all? Looked at before it is started, for a clear answer.
use crate::CaptureError;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Finds the program as the shell would and looks at its file.
///
/// # Errors
/// Where it is not found, may not be executed, or is of a sort that cannot be recorded.
pub(crate) fn check(program: impl AsRef<OsStr>, search_path: &str) -> Result<PathBuf, CaptureError> {
    let path = find(program.as_ref(), search_path)?;
    let mut file = path.clone();
    for _ in 0..5 {
        match kind(&file).map_err(|source| CaptureError::Unreadable { program: file.display().to_string(), source })? {
            Kind::Dynamic => break,
            Kind::Static => return Err(CaptureError::Static(file.display().to_string())),
            Kind::OtherMachine => return Err(CaptureError::OtherMachine(file.display().to_string())),
            Kind::Script(interpreter) => file = find(interpreter.as_ref(), search_path)?,
            Kind::Unknown => break,
        }
    }
    Ok(path)
}

fn find(program: &OsStr, search_path: &str) -> Result<PathBuf, CaptureError> {
    let name = || program.to_string_lossy().into_owned();
    let is_file =
        |path: &Path| path.metadata().is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0);
    let direct = PathBuf::from(program);
    if program.as_bytes().contains(&b'/') {
        return match direct.metadata() {
            Ok(facts) if facts.is_dir() => Err(CaptureError::IsFolder(name())),
            Ok(_) if is_file(&direct) => Ok(direct),
            Ok(_) => Err(CaptureError::NotExecutable(name())),
            Err(_) => Err(CaptureError::NotFound(name())),
        };
    }
    search_path
        .split(':')
        .map(|folder| Path::new(if folder.is_empty() { "." } else { folder }).join(program))
        .find(|path| is_file(path))
        .ok_or_else(|| if is_file(&direct) { CaptureError::NotInPath(name()) } else { CaptureError::NotFound(name()) })
}

enum Kind {
    Dynamic,
    Static,
    OtherMachine,
    Script(String),
    Unknown,
}

/// Reads as much of the file as says what it is (ELF specification, chapters 4 and 5).
fn kind(path: &Path) -> std::io::Result<Kind> {
    const X86_64: u16 = 62;
    const INTERPRETER: u32 = 3;
    let mut head = Vec::new();
    File::open(path)?.take(64 << 10).read_to_end(&mut head)?;
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line).into_owned();
        let mut words = line.split_whitespace();
        let interpreter = words.next().unwrap_or_default().to_owned();
        let through_env = interpreter.ends_with("/env");
        let named = words.find(|word| !word.starts_with('-') && !word.contains('='));
        return Ok(Kind::Script(if through_env { named.unwrap_or("env").to_owned() } else { interpreter }));
    }
    if !head.starts_with(b"\x7fELF") {
        return Ok(Kind::Unknown);
    }
    let half = |at: usize| head.get(at..at + 2).map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    let word = |at: usize| {
        head.get(at..at + 4).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    if head.get(4) != Some(&2) || half(18) != X86_64 {
        return Ok(Kind::OtherMachine);
    }
    let (offset, size, count) = (word(32) as usize, half(54) as usize, half(56) as usize);
    let has_interpreter = (0..count).any(|index| word(offset.saturating_add(index * size)) == INTERPRETER);
    Ok(if has_interpreter { Kind::Dynamic } else { Kind::Static })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_programs_from_other_files() {
        assert!(check("sh", "/nonexistent:/bin:/usr/bin").is_ok());
        assert!(matches!(check("no-such-program", "/bin"), Err(CaptureError::NotFound(_))));
        assert!(matches!(check("/etc/passwd", "/bin"), Err(CaptureError::NotExecutable(_))));
        assert!(matches!(check("/etc", "/bin"), Err(CaptureError::IsFolder(_))));
    }
}
