//! Paths as steps show them: one way for each file, whatever the agent called it and wherever it stood.

/// `path` as a reader sees it: relative to `root`, the first working folder of the session, where it lies inside it.
/// A relative path counts from `cwd`, the working folder of its own record. Nothing is looked up: paths are of the
/// author's machine.
pub(super) fn shown(path: &str, cwd: &str, root: &str) -> String {
    if path.is_empty() {
        return String::new();
    }
    let root = root.trim_end_matches('/');
    let whole = if is_absolute(path) || !is_absolute(cwd) {
        tidied(path)
    } else {
        tidied(&format!("{}/{path}", cwd.trim_end_matches('/')))
    };
    let inside = whole.strip_prefix(root).filter(|_| root.len() > 1);
    match inside {
        Some("" | "/") => ".".to_owned(),
        Some(rest) if rest.starts_with('/') => rest.trim_start_matches('/').to_owned(),
        _ => whole,
    }
}

fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\', '~']) || path.as_bytes().get(1) == Some(&b':')
}

/// `path` without `.`, and without `..` where it says what that is.
fn tidied(path: &str) -> String {
    if !path.split('/').any(|part| matches!(part, "." | "..")) {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, "" | "..")) => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    match parts.join("/") {
        tidy if tidy.is_empty() => ".".to_owned(),
        tidy => tidy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_path_wherever_the_agent_stood() {
        let root = "/home/ada/tally";
        for (path, cwd, wanted) in [
            ("/home/ada/tally/src/a.rs", root, "src/a.rs"),
            ("src/a.rs", root, "src/a.rs"),
            ("./src/a.rs", root, "src/a.rs"),
            ("src/a.rs", "", "src/a.rs"),
            ("./a.rs", "", "a.rs"),
            ("a.rs", "/home/ada/tally/src", "src/a.rs"),
            ("/home/ada/tally/src/a.rs", "/home/ada/tally/src", "src/a.rs"),
            ("../src/a.rs", "/home/ada/tally/docs/", "src/a.rs"),
            ("/home/ada/tally", root, "."),
            (".", root, "."),
            ("", root, ""),
            ("/home/ada/tally2/a.rs", root, "/home/ada/tally2/a.rs"),
            ("a.rs", "/tmp", "/tmp/a.rs"),
            ("../../x", "", "../../x"),
            ("C:\\x\\a.rs", root, "C:\\x\\a.rs"),
            ("~/notes.md", root, "~/notes.md"),
        ] {
            assert_eq!(shown(path, cwd, root), wanted, "{path} in {cwd}");
        }
        assert_eq!(shown("/a/b", "/a", "/"), "/a/b");
    }
}
