//! Five real programs, recorded, one of them by samples, too: each with its page, its page without private things, and
//! its JSON.
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const STANCH: &str = env!("CARGO_BIN_EXE_stanch");

/// What was made of one program.
pub(crate) struct Recorded {
    pub(crate) name: &'static str,
    pub(crate) html: PathBuf,
    pub(crate) redacted: PathBuf,
    pub(crate) json: PathBuf,
    pub(crate) folder: TempDir,
}

impl Recorded {
    /// The documents of the JSON: one for each process.
    pub(crate) fn documents(&self) -> Vec<Value> {
        match serde_json::from_str(&fs::read_to_string(&self.json).expect("the JSON")).expect("JSON") {
            Value::Array(documents) => documents,
            document => vec![document],
        }
    }

    /// Runs a command recorded, while `drive` does what it needs, and reports on it.
    fn make(name: &'static str, folder: TempDir, command: &[&str], drive: impl FnOnce()) -> Recorded {
        Self::make_with(&[], name, folder, command, drive)
    }

    /// As [`Self::make`], with more options of `stanch run`.
    fn make_with(
        options: &[&str],
        name: &'static str,
        folder: TempDir,
        command: &[&str],
        drive: impl FnOnce(),
    ) -> Recorded {
        let recording = folder.path().join("a.rec");
        let mut program = plain(STANCH);
        program
            .args(["run", "--record"])
            .arg(&recording)
            .args(options)
            .arg("--")
            .args(command)
            .current_dir(folder.path());
        let mut child = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("stanch");
        drive();
        child.wait().expect("stanch ends");
        let report = |file: &str, arguments: &[&str]| {
            let path = folder.path().join(file);
            let output = plain(STANCH)
                .arg("report")
                .arg(&recording)
                .args(arguments)
                .arg("-o")
                .arg(&path)
                .current_dir(folder.path())
                .output()
                .expect("stanch");
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            path
        };
        Recorded {
            name,
            html: report("a.html", &["--format", "html"]),
            redacted: report("redacted.html", &["--format", "html", "--redact"]),
            json: report("a.json", &["--format", "json"]),
            folder,
        }
    }
}

/// A command whose environment is the same for everybody.
pub(crate) fn plain(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
    command
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

pub(crate) fn file(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("a file");
}

pub(crate) fn python() -> Recorded {
    let folder = folder();
    file(folder.path(), "script.py", include_str!("../real/sources/script.py"));
    Recorded::make("python", folder, &["/usr/bin/python3", "script.py", "--password=open-sesame"], || {})
}

pub(crate) fn sqlite() -> Recorded {
    let sql = "create table t(a, b); with recursive c(x) as (select 1 union all select x + 1 from c where x < 200000) \
               insert into t select x, hex(x * 7919 % 4001) from c; create index i on t(b); \
               select count(*), sum(a), max(b) from t;";
    Recorded::make("sqlite", folder(), &["/usr/bin/sqlite3", "a.db", sql], || {})
}

pub(crate) fn gcc() -> Recorded {
    let folder = folder();
    file(folder.path(), "a.cc", include_str!("../real/sources/small.cc"));
    Recorded::make("gcc", folder, &["/usr/bin/g++", "-O2", "-c", "a.cc"], || {})
}

pub(crate) fn threads() -> Recorded {
    let folder = folder();
    file(folder.path(), "threads.cc", include_str!("../real/sources/threads.cc"));
    compile_as(folder.path(), &["-O1", "-pthread", "threads.cc", "-o", "threads"]);
    Recorded::make("threads", folder, &["./threads"], || {})
}

pub(crate) fn sampled() -> Recorded {
    let folder = folder();
    file(folder.path(), "threads.cc", include_str!("../real/sources/threads.cc"));
    compile_as(folder.path(), &["-O1", "-pthread", "threads.cc", "-o", "threads"]);
    Recorded::make_with(&["--sample", "4KiB"], "sampled", folder, &["./threads"], || {})
}

/// Compiles C++ with debug information.
pub(crate) fn compile_as(folder: &Path, arguments: &[&str]) {
    let status = plain("/usr/bin/g++").arg("-g").args(arguments).current_dir(folder).status();
    assert!(status.expect("g++; apt-get install g++").success());
}

pub(crate) fn redis() -> Recorded {
    let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a port").port();
    let port = port.to_string();
    let command = ["/usr/bin/redis-server", "--port", &port, "--bind", "127.0.0.1", "--save", ""];
    Recorded::make("redis", folder(), &command, || {
        let client = |arguments: &[&str]| {
            let output = plain(format!("/usr/bin/{}", arguments[0])).args(["-p", &port]).args(&arguments[1..]).output();
            String::from_utf8_lossy(&output.expect("redis; apt-get install redis-server").stdout).into_owned()
        };
        let started = Instant::now();
        while client(&["redis-cli", "ping"]).trim() != "PONG" {
            assert!(started.elapsed() < Duration::from_secs(30), "the server does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        client(&["redis-benchmark", "-q", "-n", "20000", "-r", "5000", "-t", "set,lpush,hset"]);
        client(&["redis-cli", "shutdown", "nosave"]);
    })
}
