//! A headless Chromium, driven by chromedriver over WebDriver (https://www.w3.org/TR/webdriver2/).
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A page that does not answer in this time has a fault.
const PATIENCE: Duration = Duration::from_secs(60);

/// One browser with one window; ends with the value.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub(crate) fn start() -> Browser {
        let (driver, port) = start_driver();
        let profile = tempfile::tempdir().expect("a folder for the browser");
        let mut browser = Browser { driver, port, session: String::new(), _profile: profile };
        let mut flags: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ]
        .map(str::to_owned)
        .to_vec();
        flags.push(format!("--user-data-dir={}", browser._profile.path().display()));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": flags, "binary": "/usr/bin/chromium"},
            "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
        }}});
        let session = browser.post("/session", &wanted);
        browser.session = session["sessionId"].as_str().expect("a session").to_owned();
        browser.command("url", &json!({"url": "about:blank"}));
        browser
    }

    pub(crate) fn open(&self, path: &Path) {
        self.command("url", &json!({"url": format!("file://{}", path.display())}));
    }

    /// Runs the body of a function in the page; gives what it returns. A promise is waited for.
    pub(crate) fn run(&self, script: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; \
             (async () => {{ {script} }})().then(done, (error) => done({{failed: String(error)}}));"
        );
        let result = self.command("execute/async", &json!({"script": script, "args": []}));
        assert!(result.get("failed").is_none(), "{result} in {script}");
        result
    }

    /// A command of the Chrome DevTools Protocol.
    pub(crate) fn devtools(&self, name: &str, parameters: &Value) -> Value {
        self.command("goog/cdp/execute", &json!({"cmd": name, "params": parameters}))
    }

    /// Presses a key, or types a text, wherever the focus is.
    pub(crate) fn keys(&self, text: &str) {
        let press = |key: char| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        let actions: Vec<Value> = text.chars().flat_map(press).collect();
        self.command("actions", &json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}));
    }

    /// What was logged since the last call: `browser` (the console) or `performance` (events of the network).
    pub(crate) fn log(&self, kind: &str) -> Vec<Value> {
        self.command("se/log", &json!({"type": kind})).as_array().cloned().unwrap_or_default()
    }

    fn command(&self, name: &str, body: &Value) -> Value {
        self.post(&format!("/session/{}/{name}", self.session), body)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let answer =
            exchange(self.port, "POST", path, &body.to_string()).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut answer: Value = serde_json::from_str(&answer).expect("JSON from chromedriver");
        let value = answer["value"].take();
        assert!(value.get("error").is_none(), "{path}: {value}");
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends the browser; whatever comes of it, the driver goes next.
        let _ = exchange(self.port, "DELETE", &format!("/session/{}", self.session), "");
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Starts chromedriver on a free port of its own choice.
fn start_driver() -> (Child, u16) {
    let mut driver = Command::new("/usr/bin/chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver; apt-get install chromium chromium-driver");
    let output = BufReader::new(driver.stdout.take().expect("its output"));
    let port = output.lines().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    (driver, port.expect("chromedriver says its port"))
}

/// One exchange over HTTP/1.1.
fn exchange(port: u16, method: &str, path: &str, body: &str) -> Result<String, String> {
    let say = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(say)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(say)?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .map_err(say)?;
    let mut reader = BufReader::new(stream);
    let mut length = None;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).map_err(say)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<usize>().ok();
        }
    }
    let mut answer = vec![0; length.ok_or("no length of the answer")?];
    reader.read_exact(&mut answer).map_err(say)?;
    String::from_utf8(answer).map_err(|error| error.to_string())
}
