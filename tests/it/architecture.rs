//! The rules of the house, read off the `use` lines and paths of the source.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// All files below `folder`, with their path from `src/`.
fn sources(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = vec![root.join(folder)];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            found.push((name, fs::read_to_string(path).unwrap()));
        }
    }
    assert!(!found.is_empty(), "{folder} holds no source");
    found.sort();
    found
}

/// Code lines that name one of `words` as a path (`word::`), a `use`, or inside an attribute.
fn naming<'a>(text: &'a str, words: &[&str]) -> Vec<&'a str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.filter(|line| {
        words.iter().any(|word| {
            line.match_indices(word).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let after = &line[at + word.len()..];
                let whole = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
                whole && (after.starts_with("::") || after.starts_with(';'))
            })
        })
    })
    .collect()
}

#[track_caller]
fn assert_free(files: &[(String, String)], words: &[&str], why: &str) {
    let broken: Vec<String> = files
        .iter()
        .flat_map(|(name, text)| {
            naming(text, words).into_iter().map(move |line| format!("{name}: {}", line.trim()))
        })
        .collect();
    assert!(broken.is_empty(), "{why}\n{}", broken.join("\n"));
}

fn outside(files: Vec<(String, String)>, allowed: &[&str]) -> Vec<(String, String)> {
    files.into_iter().filter(|(name, _)| !allowed.iter().any(|allowed| name.starts_with(allowed))).collect()
}

#[test]
fn the_search_finds_what_it_looks_for() {
    assert_eq!(naming("use actix::Actor;", &["actix"]).len(), 1);
    assert_eq!(naming("    let x = actix::spawn(y);", &["actix"]).len(), 1);
    assert_eq!(naming("use crate::db;", &["crate::db"]).len(), 1);
    for innocent in ["use actix_web::App;", "// use actix::Actor;", "my_actix::x", "let actix = 1;"] {
        assert_eq!(naming(innocent, &["actix"]).len(), 0, "{innocent}");
    }
}

#[test]
fn the_pure_modules_know_no_runtime_no_web_and_no_database() {
    let pure = ["session", "redact", "render", "share"];
    let mut files: Vec<_> = pure.iter().flat_map(|folder| sources(folder)).collect();
    let single = [
        "ipc/protocol.rs",
        "ipc/protocol/info.rs",
        "tunnel/provider.rs",
        "tunnel/provider/table.rs",
        "tunnel/custom.rs",
        "tunnel/diagnosis.rs",
        "tunnel/spec.rs",
        "tunnel/extract.rs",
        "tunnel/lines.rs",
        "tunnel/environment.rs",
        "tui/model.rs",
        "tui/update.rs",
        "tui/view.rs",
    ];
    let rest: Vec<_> = sources("").into_iter().filter(|(name, _)| single.contains(&name.as_str())).collect();
    assert_eq!(rest.len(), single.len(), "a pure file was renamed");
    files.extend(rest);
    assert_free(&files, &["actix", "actix_web", "diesel", "tokio"], "pure modules stay pure");
}

#[test]
fn the_pure_modules_read_no_clock() {
    let mut files: Vec<_> =
        ["session", "redact", "render", "share"].iter().flat_map(|folder| sources(folder)).collect();
    files.extend(sources("tui/model.rs").into_iter().chain(sources("tui/update.rs")));
    files.extend(sources("tui/view.rs"));
    for clock in ["Timestamp::now(", "Instant::now(", "SystemTime::now(", "Zoned::now("] {
        let reads: Vec<_> =
            files.iter().filter(|(_, text)| text.contains(clock)).map(|(name, _)| name).collect();
        assert!(reads.is_empty(), "`now` is an argument: {reads:?} call {clock})");
    }
}

#[test]
fn only_actors_and_the_daemon_know_the_actor_crate() {
    assert_free(
        &outside(sources(""), &["actors/", "daemon/"]),
        &["actix"],
        "the actor crate stays replaceable",
    );
}

#[test]
fn only_the_database_modules_know_diesel() {
    let files = outside(sources(""), &["db/", "catalog/", "actors/db.rs"]);
    assert_free(&files, &["diesel", "diesel_migrations"], "SQL stays in its rooms");
}

#[test]
fn clients_do_not_reach_into_the_daemon() {
    let files: Vec<_> = ["cli", "ipc", "tui"].iter().flat_map(|folder| sources(folder)).collect();
    assert_free(&files, &["crate::actors", "crate::db", "crate::web"], "clients speak the protocol");
}

#[test]
fn the_web_server_knows_no_shares_keepers_or_actors() {
    assert_free(
        &sources("web"),
        &["crate::actors", "crate::tunnel", "crate::db"],
        "web is handed what it serves",
    );
}

#[test]
fn a_file_is_one_concept() {
    let long: Vec<_> = sources("")
        .into_iter()
        .map(|(name, text)| (text.lines().count(), name))
        // Tests are lists of cases.
        .filter(|(lines, name)| *lines > 420 && !name.contains("tests"))
        .collect();
    assert!(long.is_empty(), "over 400 lines or so: {long:?}");
}

#[test]
fn every_protection_can_still_be_taken_away() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let patches = fs::read_dir(root.join("tests/protections")).unwrap().map(|entry| entry.unwrap().path());
    let patches: Vec<_> =
        patches.filter(|path| path.extension().is_some_and(|extension| extension == "patch")).collect();
    assert!(patches.len() > 100, "{patches:?}");
    let fits = |patch: &PathBuf| {
        let git = Command::new("git").current_dir(root).args(["apply", "--check"]).arg(patch).output();
        git.expect("git is there: it has brought this source").status.success()
    };
    let unfit: Vec<_> = patches.iter().filter(|patch| !fits(patch)).collect();
    assert!(unfit.is_empty(), "these patches do not fit the source any more: {unfit:#?}");
}

#[test]
fn unsafe_code_stands_in_its_audited_places_only() {
    let places: Vec<_> = sources("")
        .into_iter()
        .filter(|(_, text)| {
            text.lines()
                .any(|line| line.trim() == "#[allow(unsafe_code)]" || line.contains("allow(unsafe_code,"))
        })
        .map(|(name, _)| name)
        .collect();
    assert_eq!(places, ["tunnel/keeper/process.rs", "tunnel/os.rs"]);
}
