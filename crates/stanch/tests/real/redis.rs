//! A Redis server under load.
use crate::check::check;
use crate::execute::plain_command;
use crate::program::Program;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const START_LIMIT: Duration = Duration::from_secs(30);
const LOAD_TIME: Duration = Duration::from_secs(5);
/// A client is done within a second, or under valgrind within a few.
const CLIENT_LIMIT: Duration = Duration::from_secs(30);

/// Runs the server on a port of its own, under load for some seconds, and shuts it down.
pub(crate) fn check_server() {
    // The port is written where the driver finds it, since each run has a folder of its own.
    let mut program = Program::new(
        "redis",
        "redis-server",
        &["/usr/bin/redis-server", "server.conf", "--save", "", "--io-threads", "1"],
    );
    program.prepare = configure;
    program.drive = drive;
    program.lasting = without_numbers;
    program.processes = &[("redis-server", 1)];
    // Debian's Redis is linked with jemalloc, and the report says so.
    program.incomplete = &["some lost blocks: malloc comes from"];
    check(&program);
}

fn configure(folder: &Path) -> Result<(), String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| format!("no free port: {error}"))?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    std::fs::write(folder.join("server.conf"), format!("bind 127.0.0.1\nport {port}\n"))
        .and_then(|()| std::fs::write(folder.join("port"), port.to_string()))
        .map_err(|error| format!("{}: {error}", folder.display()))
}

fn drive(folder: &Path) -> Result<(), String> {
    let port = std::fs::read_to_string(folder.join("work/port")).map_err(|error| format!("no port: {error}"))?;
    let client = |name: &str| {
        let mut command = plain_command(format!("/usr/bin/{name}"));
        command.args(["-p", &port]);
        command
    };
    let started = Instant::now();
    while output(client("redis-cli").arg("ping"))?.trim() != "PONG" {
        if started.elapsed() > START_LIMIT {
            return Err("the server does not answer".to_owned());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let loaded = Instant::now();
    while loaded.elapsed() < LOAD_TIME {
        let load = ["-q", "-n", "2000", "-r", "1000", "-t", "set,get,lpush,hset,lrange_100"];
        output(client("redis-benchmark").args(load))?;
    }
    output(client("redis-cli").args(["shutdown", "nosave"])).map(|_| ())
}

/// What a client prints; it is killed where it waits for an answer that does not come.
fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let say = |error: std::io::Error| format!("cannot run {name}: {error}; apt-get install redis-server");
    let mut client = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(say)?;
    let started = Instant::now();
    while client.try_wait().map_err(say)?.is_none() {
        if started.elapsed() > CLIENT_LIMIT {
            client.kill().and_then(|()| client.wait()).map_err(say)?;
            return Err(format!("the server does not answer {name}"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = client.wait_with_output().map_err(say)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The log without process ids, ports and times.
fn without_numbers(log: &str) -> String {
    let is_date = |word: &&str| word.len() == 3 && word.chars().all(char::is_alphabetic);
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().filter(|word| !is_date(word)).collect();
        words.join(" ").replace(|letter: char| letter.is_ascii_digit(), "")
    };
    log.lines().map(line).collect::<Vec<_>>().join("\n")
}
