//! A folder for each test, programs compiled into it, and commands that cannot hang.
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Far more than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A folder of its own.
pub(crate) struct Bench {
    pub(crate) folder: PathBuf,
}

impl Bench {
    /// Makes an empty folder; an empty configuration above it keeps those of the machine out.
    pub(crate) fn new(name: &str) -> Bench {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
        let folder = all.join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("cargo's own folder can be written");
        fs::write(folder.join("stanch.toml"), "").expect("the folder can be written");
        Bench { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder can be made");
        fs::write(&path, text).expect("the folder can be written");
        path
    }

    /// Compiles a C program under this name.
    pub(crate) fn compile(&self, name: &str, source: &str) -> PathBuf {
        self.compile_with(name, source, &[])
    }

    pub(crate) fn compile_with(&self, name: &str, source: &str, flags: &[&str]) -> PathBuf {
        let source = self.write(&format!("{name}.c"), source);
        let program = self.path(name);
        let mut gcc = Command::new("gcc");
        gcc.args(["-g", "-O0", "-Wall", "-Werror", "-o"]).arg(&program).arg(source).args(flags);
        let done = gcc.output().expect("gcc is missing: apt-get install gcc libc6-dev");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        program
    }

    /// `stanch` in this folder, with nothing of the test's own environment that could matter.
    pub(crate) fn stanch<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stanch"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["CARGO", "RUST", "STANCH", "LD_", "NO_COLOR"].iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command.args(args).current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// Runs `stanch` with these arguments to its end.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ended {
        self.finish(&mut self.stanch(args))
    }

    /// Runs a command to its end, its output in files: what outlives it cannot hold the test up.
    pub(crate) fn finish(&self, command: &mut Command) -> Ended {
        self.start(command).wait()
    }

    /// Starts a command in a process group of its own.
    pub(crate) fn start(&self, command: &mut Command) -> Running {
        let files = ["stdout", "stderr"].map(|name| self.path(name));
        let [stdout, stderr] = files.each_ref().map(|path| File::create(path).expect("the folder can be written"));
        let child = command.stdout(stdout).stderr(stderr).process_group(0).spawn().expect("the command starts");
        Running { child, files, words: format!("{command:?}") }
    }
}

/// A command under way.
pub(crate) struct Running {
    pub(crate) child: Child,
    files: [PathBuf; 2],
    words: String,
}

impl Running {
    pub(crate) fn wait(self) -> Ended {
        self.wait_for(PATIENCE)
    }

    /// The same for what may take longer.
    pub(crate) fn wait_for(mut self, patience: Duration) -> Ended {
        let what = format!("the end of {}", self.words);
        let status = eventually_within(patience, &what, || self.child.try_wait().expect("it is our child"));
        let [stdout, stderr] = self.files.each_ref().map(|path| read(path));
        Ended { status: status.code().expect("stanch is not killed"), stdout, stderr }
    }

    /// Waits until a line is on standard output.
    pub(crate) fn wait_for_line(&mut self, line: &str) {
        eventually(line, || {
            let is_over = self.child.try_wait().expect("it is our child").is_some();
            let [stdout, stderr] = self.files.each_ref().map(|path| read(path));
            let is_there = stdout.lines().any(|found| found == line);
            assert!(is_there || !is_over, "ended without `{line}`:\n{stdout}{stderr}");
            is_there.then_some(())
        });
    }

    /// The number that the program printed as `pid NUMBER`.
    pub(crate) fn printed_pid(&mut self) -> u32 {
        eventually("`pid`", || {
            let stdout = read(&self.files[0]);
            let line = stdout.lines().find_map(|line| line.strip_prefix("pid ").map(str::to_owned));
            line.filter(|_| stdout.ends_with('\n')).and_then(|number| number.parse().ok())
        })
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).expect("the file is ours")).into_owned()
}

impl Drop for Running {
    /// Nothing is left behind where a test fails.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // A group that is gone already is as good as killed.
            let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).status();
            let _ = self.child.wait();
        }
    }
}

/// Asks again and again until there is an answer.
pub(crate) fn eventually<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, ask)
}

fn eventually_within<T>(patience: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < patience, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a signal; `-PID` means a process group.
pub(crate) fn kill(signal: &str, target: &str) {
    let status =
        Command::new("kill").args([signal, "--", target]).status().expect("kill is missing: apt-get install procps");
    assert!(status.success(), "kill {signal} {target}");
}

/// The reports of a JSON document, one for each process.
pub(crate) fn reports(text: &str) -> Vec<Value> {
    match serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")) {
        Value::Array(reports) => reports,
        report => vec![report],
    }
}

/// Each finding of the reports as `kind bytes blocks function`, sorted; the function is the first that the program's
/// own source names.
pub(crate) fn findings(reports: &[Value]) -> Vec<String> {
    let all = reports.iter().flat_map(|report| report["findings"].as_array().expect("an array"));
    let mut lines: Vec<String> = all
        .map(|finding| {
            let stack = finding["site"]["stack"].as_array().expect("an array");
            let own = stack.iter().find(|frame| frame["file"].as_str().is_some_and(|file| file.ends_with("app.c")));
            let function = own.and_then(|frame| frame["function"].as_str()).unwrap_or("?");
            format!(
                "{} {} {} {function}",
                finding["kind"].as_str().expect("a kind"),
                finding["bytes"],
                finding["blocks"]
            )
        })
        .collect();
    lines.sort();
    lines
}

impl Ended {
    /// Checks the exit status and passes on what else there is to look at.
    #[track_caller]
    pub(crate) fn status(self, status: i32) -> Ended {
        assert_eq!(self.status, status, "{}{}", self.stdout, self.stderr);
        self
    }

    /// Checks that this and nothing else was said, with status 2.
    #[track_caller]
    pub(crate) fn fails_with(self, stderr: &str) {
        assert_eq!((self.status, self.stderr.trim_end(), self.stdout.as_str()), (2, stderr, ""));
    }
}
