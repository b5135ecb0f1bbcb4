//! Programs that a command starts are told of, and the command does not notice.
//!
//! One test: the watcher takes the ends of all children of this process.
use stanch_process::{Exec, Follow, follow_execs};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::{Command, ExitStatus, Stdio};

/// Runs a script; gives its status, its output, and the words of all programs.
fn follow(script: &str, follow: impl Fn(&Exec) -> Follow + Sync) -> (ExitStatus, String, Vec<Exec>) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("output");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).current_dir(folder.path()).stdout(std::fs::File::create(&output).unwrap());
    let mut seen = Vec::new();
    let mut tell = |exec: &Exec| {
        seen.push(exec.clone());
        follow(exec)
    };
    let status = follow_execs(command, &mut tell).unwrap();
    (status, std::fs::read_to_string(&output).unwrap(), seen)
}

fn words(seen: &[Exec]) -> Vec<String> {
    seen.iter().map(|exec| exec.words.join(&OsString::from(" ")).to_string_lossy().into_owned()).collect()
}

#[test]
fn programs_are_told_of_and_nothing_is_disturbed() {
    let script = "mkdir sub; cd sub; env - MARK=here /bin/echo one; (/bin/echo two | /bin/cat); echo three; exit 7";
    let (status, output, seen) = follow(script, |_| Follow::On);
    assert_eq!((status.code(), output.as_str()), (Some(7), "one\ntwo\nthree\n"));
    let mut told = words(&seen[1..]);
    told.sort();
    assert_eq!(told, ["/bin/cat", "/bin/echo one", "/bin/echo two", "env - MARK=here /bin/echo one", "mkdir sub"]);
    let echo = seen.iter().find(|exec| exec.words == ["/bin/echo", "one"]).unwrap();
    assert!(echo.folder.ends_with("sub") && echo.program.is_absolute());
    assert_eq!(echo.variable("MARK"), Some("here".as_ref()));
    assert_eq!(echo.variable("PATH"), None);

    // What is let go is not followed, and what is left behind is not waited for.
    let (status, output, seen) = follow("sh -c '/bin/echo inner; true'; sleep 3 & kill -9 $$", |exec| {
        if exec.words[0] == "sh" { Follow::LetGo } else { Follow::On }
    });
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
    assert_eq!(output, "inner\n");
    assert!(!words(&seen).contains(&"/bin/echo inner".to_owned()));

    // Signals arrive, and a stopped process stays stopped until it is told to go on.
    let script = "trap 'echo caught' USR1; kill -USR1 $$; (sleep 0.2; kill -CONT $$) & kill -STOP $$; wait; echo end";
    let (status, output, _) = follow(script, |_| Follow::On);
    assert_eq!((status.code(), output.as_str()), (Some(0), "caught\nend\n"));

    for (program, kind) in [("/no/such/program", ErrorKind::NotFound), ("/etc/passwd", ErrorKind::PermissionDenied)] {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        assert_eq!(follow_execs(command, &mut |_| Follow::On).unwrap_err().kind(), kind);
    }
}
