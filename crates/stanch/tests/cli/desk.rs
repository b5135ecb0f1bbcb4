//! A terminal to type into: tmux, in a folder of its own.
use crate::bench::{Bench, eventually};
use std::process::{Command, Output};

/// A terminal with a shell in it, that shows what a person would see.
pub(crate) struct Desk<'a> {
    pub(crate) bench: &'a Bench,
    /// The name of a tmux server of its own.
    server: String,
}

impl<'a> Desk<'a> {
    pub(crate) fn open(bench: &'a Bench, name: &str) -> Self {
        let desk = Self { bench, server: format!("stanch-test-{name}-{}", std::process::id()) };
        let shell = ["env", "-u", "NO_COLOR", "-u", "STANCH_COLOR", "PS1=ready: ", "/bin/sh"];
        let new = ["-u", "-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24"];
        let done = desk.tmux(new.into_iter().chain(shell));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        desk.wait_for("ready:");
        desk
    }

    pub(crate) fn tmux<'b>(&self, args: impl IntoIterator<Item = &'b str>) -> Output {
        let mut tmux = Command::new("tmux");
        tmux.args(["-L", &self.server]).args(args).current_dir(&self.bench.folder);
        tmux.env("LC_ALL", "C.UTF-8").env_remove("TMUX").output().expect("tmux is missing: apt-get install tmux")
    }

    pub(crate) fn keys(&self, keys: &[&str]) {
        self.tmux(["send-keys"].into_iter().chain(keys.iter().copied()));
    }

    pub(crate) fn type_line(&self, text: &str) {
        self.tmux(["send-keys", "-l", text]);
        self.keys(&["Enter"]);
    }

    pub(crate) fn screen(&self) -> String {
        String::from_utf8(self.tmux(["capture-pane", "-p"]).stdout).expect("tmux writes UTF-8")
    }

    /// Waits until this is on the screen, and returns the screen.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        eventually(&format!("`{text}` on the screen"), || Some(self.screen()).filter(|screen| screen.contains(text)))
    }

    /// Starts `stanch` by way of a file that says its process id; the shell says how it ended.
    pub(crate) fn stanch(&self, before: &str, arguments: &str) {
        let stanch = env!("CARGO_BIN_EXE_stanch");
        let _ = std::fs::remove_file(self.bench.path("pid"));
        self.type_line(&format!("{before} sh -c 'echo $$ > pid; exec {stanch} {arguments}'; echo ended with $?"));
    }
}

impl Drop for Desk<'_> {
    fn drop(&mut self) {
        self.tmux(["kill-server"]);
    }
}
