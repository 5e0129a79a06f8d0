//! The daemon as a service of the user's own session: a systemd user unit, or a launchd agent.
//!
//! What is written here is text; enabling it is left to the service manager's own command.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The service manager of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// systemd, as `systemd --user`.
    Systemd,
    /// macOS's launchd.
    Launchd,
}

/// The one this program was built for.
pub const NATIVE: Manager = if cfg!(target_os = "macos") { Manager::Launchd } else { Manager::Systemd };

impl Manager {
    /// Where the service's file belongs, given the folder of configurations and the home folder.
    pub fn file(self, config: &Path, home: &Path) -> PathBuf {
        match self {
            Manager::Systemd => config.join("systemd/user/panko.service"),
            Manager::Launchd => home.join("Library/LaunchAgents/dev.panko.daemon.plist"),
        }
    }

    /// The file that runs `exe` as the daemon, with these variables beside those of the manager.
    pub fn text(self, exe: &Path, variables: &[(&str, String)]) -> String {
        match self {
            Manager::Systemd => unit(exe, variables),
            Manager::Launchd => plist(exe, variables),
        }
    }

    /// The commands that start the service now and at every login, and those that end it.
    pub fn commands(self, file: &Path) -> Commands {
        let words = |line: &[&str]| line.iter().map(|word| (*word).to_owned()).collect();
        let path = file.display().to_string();
        match self {
            Manager::Systemd => Commands {
                enable: vec![
                    words(&["systemctl", "--user", "daemon-reload"]),
                    words(&["systemctl", "--user", "enable", "--now", "panko.service"]),
                ],
                disable: vec![words(&["systemctl", "--user", "disable", "--now", "panko.service"])],
            },
            Manager::Launchd => Commands {
                enable: vec![words(&["launchctl", "load", "-w", &path])],
                disable: vec![words(&["launchctl", "unload", "-w", &path])],
            },
        }
    }
}

/// The variables of the environment that say where panko's folders are: a shell may set them, the manager need not.
pub fn variables() -> Vec<(&'static str, String)> {
    let set = |name| Some((name, std::env::var(name).ok().filter(|value| !value.is_empty())?));
    ["XDG_DATA_HOME", "XDG_CONFIG_HOME"].into_iter().filter_map(set).collect()
}

/// What the service manager is told, program and arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commands {
    /// To start it now and at every login.
    pub enable: Vec<Vec<String>>,
    /// To end it.
    pub disable: Vec<Vec<String>>,
}

/// `KillMode=process`: the keepers are meant to outlive the daemon. The hardening is what works without the
/// privileges that `systemd --user` has not: file system sandboxes would need user namespaces, and tunnel
/// clients need the network. `--replace`: a daemon that a command has started makes way.
fn unit(exe: &Path, variables: &[(&str, String)]) -> String {
    // systemd.exec(5): a `%` is a specifier there, a `$` is not.
    let line =
        |(name, value): &(&str, String)| format!("Environment=\"{name}={}\"\n", escaped(value, &['%']));
    let environment: String = variables.iter().map(line).collect();
    format!(
        "[Unit]\n\
         Description=panko: keeps shared coding-agent sessions reachable\n\
         \n\
         [Service]\n\
         Type=notify\n\
         {environment}\
         ExecStart=\"{}\" serve --foreground --replace\n\
         ExecReload=/bin/kill -HUP $MAINPID\n\
         KillMode=process\n\
         TimeoutStopSec=15\n\
         Restart=on-failure\n\
         RestartSec=1\n\
         WatchdogSec=60\n\
         UMask=0077\n\
         NoNewPrivileges=yes\n\
         LockPersonality=yes\n\
         RestrictRealtime=yes\n\
         RestrictSUIDSGID=yes\n\
         SystemCallArchitectures=native\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
        escaped(&exe.display().to_string(), &['%', '$'])
    )
}

/// As systemd reads what stands in quotes: backslash and quote escaped, what else has a meaning doubled.
fn escaped(text: &str, doubled: &[char]) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => escaped.extend(['\\', c]),
            c if doubled.contains(&c) => escaped.extend([c, c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// `AbandonProcessGroup`: the keepers are meant to outlive the daemon.
fn plist(exe: &Path, variables: &[(&str, String)]) -> String {
    let xml = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let exe = xml(&exe.display().to_string());
    let variables: String = variables
        .iter()
        .map(|(name, value)| format!("<key>{name}</key><string>{}</string>", xml(value)))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n\
         <key>Label</key><string>dev.panko.daemon</string>\n\
         <key>ProgramArguments</key>\n\
         <array><string>{exe}</string><string>serve</string><string>--foreground</string>\
         <string>--replace</string></array>\n\
         <key>EnvironmentVariables</key><dict>{variables}</dict>\n\
         <key>RunAtLoad</key><true/>\n\
         <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>\n\
         <key>AbandonProcessGroup</key><true/>\n\
         <key>Umask</key><integer>63</integer>\n\
         </dict>\n</plist>\n"
    )
}

/// Writes the service's file, whole or not at all.
///
/// # Errors
/// Those of the file system.
pub fn write(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    fresh.write_all(text.as_bytes())?;
    fresh.persist(file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_any_character_is_one_word_to_systemd() {
        let home = [("XDG_DATA_HOME", "/a b/100%/$x/\"q\"".to_owned())];
        let unit = Manager::Systemd.text(Path::new("/opt/a b/100%/$x/\"q\"/panko"), &home);
        let line = unit.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
        assert_eq!(line, r#"ExecStart="/opt/a b/100%%/$$x/\"q\"/panko" serve --foreground --replace"#);
        let line = unit.lines().find(|line| line.starts_with("Environment=")).unwrap();
        assert_eq!(line, r#"Environment="XDG_DATA_HOME=/a b/100%%/$x/\"q\"""#);
    }

    #[test]
    fn the_keepers_outlive_the_service_in_both_managers() {
        let text = |manager: Manager, exe| manager.text(Path::new(exe), &[("X", "<y>".to_owned())]);
        assert!(text(Manager::Systemd, "/p").contains("\nKillMode=process\n"));
        let agent = text(Manager::Launchd, "/a&b<c>");
        assert!(agent.contains("<key>AbandonProcessGroup</key><true/>"));
        assert!(agent.contains("<string>/a&amp;b&lt;c&gt;</string>"));
        assert!(agent.contains("<dict><key>X</key><string>&lt;y&gt;</string></dict>"));
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let home = tempfile::tempdir().unwrap();
        let file = Manager::Systemd.file(&home.path().join(".config"), home.path());
        write(&file, "one").unwrap();
        write(&file, "two").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }
}
