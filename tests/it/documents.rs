//! What the documents say is what is there.

use std::fs;
use std::path::Path;

use crate::support::daemon::Home;
use crate::support::http;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The commands of the README's code blocks, in order.
fn commands() -> Vec<String> {
    let readme = readme();
    let blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(|block| block.trim().to_owned()).collect()
}

#[test]
fn the_first_command_of_the_readme_prints_a_url_that_answers() {
    let commands = commands();
    assert_eq!(commands.len(), 2, "exactly two commands: {commands:?}");
    let args = commands[0].strip_prefix("cargo run --locked --quiet -- ").expect("it runs panko by cargo");
    let mut args: Vec<&str> = args.split(' ').collect();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join(args[1]);
    args[1] = example.to_str().unwrap();
    let home = Home::new();
    let url = home.ok(&args);
    let page = http::get(url.trim());
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<h2"), "it shows a prompt");
}

#[test]
fn the_second_command_of_the_readme_is_what_ci_runs() {
    let ci = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/run")).unwrap();
    assert_eq!(commands()[1], "cargo test --locked");
    assert!(ci.contains("README.md") && ci.contains("eval \"$test_command\""));
}

#[test]
fn every_verb_of_the_help_is_in_the_readme() {
    let home = Home::new();
    let help = home.ok(&["--help"]);
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let verbs: Vec<_> = listed
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|v| !v.is_empty())
        .collect();
    assert!(verbs.len() > 8, "{listed}");
    let readme = readme();
    for verb in verbs.into_iter().filter(|verb| *verb != "help") {
        assert!(readme.contains(&format!("panko {verb}")) || readme.contains(&format!("`{verb}")), "{verb}");
    }
}
