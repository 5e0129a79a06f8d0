//! A terminal of a given size (tmux) in which a command runs, and what stands on its screen.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::browser::is_ci;
use super::daemon::Home;
use super::inject::skipped;
use super::keeper::exe;
use super::wait::{SOON, until};

/// What the shell in the terminal writes once the command has ended.
const LEFT: &str = "left with";

/// A terminal; it and what runs in it end with this.
pub struct Screen {
    socket: PathBuf,
}

impl Screen {
    /// Runs `panko` with `args` in a terminal of `width` × `height`. `None`, and a word why, where there is no tmux; on
    /// the build server that fails.
    #[track_caller]
    pub fn start(home: &Home, args: &str, width: u16, height: u16) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            assert!(!is_ci(), "tmux is missing");
            skipped("tmux is missing");
            return None;
        }
        let screen = Self { socket: home.path("tmux") };
        let shell = format!("{} {args}; echo {LEFT} $?; exec cat", exe().display());
        let mut tmux = screen.tmux(&["-f", "/dev/null", "-u"]);
        tmux.env_clear().envs(home.command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
        tmux.env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
        let (width, height) = (width.to_string(), height.to_string());
        tmux.args(["new-session", "-d", "-x", &width, "-y", &height, &shell]);
        // Programs may set its buffer, as they may a clipboard.
        let done = tmux.args([";", "set", "-s", "set-clipboard", "on"]).status().unwrap();
        assert!(done.success());
        Some(screen)
    }

    fn tmux(&self, args: &[&str]) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(&self.socket).args(args).stdin(Stdio::null());
        tmux
    }

    fn ask(&self, args: &[&str]) -> String {
        String::from_utf8(self.tmux(args).output().unwrap().stdout).unwrap()
    }

    /// Presses keys, by the names that tmux has for them.
    pub fn press(&self, keys: &[&str]) {
        assert!(self.tmux(&["send-keys"]).args(keys).status().unwrap().success());
    }

    /// Gives it another size.
    pub fn resize(&self, width: u16, height: u16) {
        let (width, height) = (width.to_string(), height.to_string());
        let args = ["resize-window", "-x", &width, "-y", &height];
        assert!(self.tmux(&args).status().unwrap().success());
    }

    /// What stands on it.
    pub fn text(&self) -> String {
        self.ask(&["capture-pane", "-p"])
    }

    /// What was put into the clipboard last.
    pub fn clipboard(&self) -> String {
        self.ask(&["show-buffer"])
    }

    /// Waits until all of `words` stand on it; the screen.
    #[track_caller]
    pub fn until(&self, words: &[&str]) -> String {
        self.until_it(&words.join(", "), |text| words.iter().all(|word| text.contains(word)))
    }

    /// Waits until the screen is as `condition` says; the screen.
    #[track_caller]
    pub fn until_it(&self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        let began = std::time::Instant::now();
        until(SOON * 2, what, || {
            last = self.text();
            let is_so = condition(&last);
            assert!(is_so || began.elapsed() < SOON, "not on the screen: {what}\n{last}");
            is_so
        });
        last
    }

    /// Waits until the command has ended, and the screen is the shell's again.
    #[track_caller]
    pub fn until_left(&self, code: i32) {
        let text = self.until(&[LEFT]);
        assert_eq!(text.trim(), format!("{LEFT} {code}"));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]).output();
    }
}
