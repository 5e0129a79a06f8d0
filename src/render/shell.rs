//! A command: in its row, and whole below where the row does not have it as it was typed.

use super::code::Form;
use super::highlight::{self, Language};
use super::html::Html;
use super::phrase;
use super::row::{Row, cmd, note};
use super::scene::Spot;
use super::signs;
use super::step::{LINE, result};
use crate::session::model::{Outcome, Output, Step};

/// Characters of a command below its row.
const COMMAND: usize = 16 * 1024;

/// The row of a command.
pub(super) fn row(
    spot: &Spot<'_>,
    step: &Step,
    command: &str,
    description: Option<&str>,
    background: bool,
    output: &Output,
) -> Row {
    let bash = step.name.as_str().to_ascii_lowercase().contains("bash");
    let mut row = Row::new(if bash { "Bash" } else { "Shell" }, &[]);
    let (folder, what) = within(command);
    row.what = cmd(&line(what));
    if let Some(folder) = folder {
        row.what.raw("<span class=\"in\"> in <span class=\"dir\">").clip(folder, LINE).raw("</span></span>");
    }
    if background {
        row.res = Html::of("in the background");
    } else if step.outcome == Outcome::Done {
        row.res.raw(signs::OK);
    }
    let mut body = Html::new();
    if let Some(description) = description.filter(|d| !d.trim().is_empty()) {
        body.html(&note(description));
    }
    if folder.is_some() || command.trim_end().contains('\n') || command.chars().nth(LINE).is_some() {
        body.raw("<pre class=\"cmdline\"><code>");
        script(&mut body, phrase::clip(command.trim_end(), COMMAND));
        body.raw("</code></pre>");
    }
    body.html(&result(spot, step, output, Form::Terminal).unwrap_or_default());
    row.body = Some(body).filter(|body| !body.is_empty());
    row
}

/// The command in one line, without the marks that a line goes on. What is fed to a program line by line is no part of
/// what it is called with.
fn line(command: &str) -> String {
    let first = command.trim().lines().next().filter(|first| first.contains("<<"));
    let fed = first.filter(|first| first.len() < command.trim().len());
    fed.map_or_else(
        || phrase::plain_line(&phrase::clip(command, COMMAND).replace("\\\n", " "), LINE),
        |first| format!("{} …", phrase::plain_line(first, LINE)),
    )
}

/// Of `cd /some/folder && make`, the folder and what is done there: the row is for the latter.
fn within(command: &str) -> (Option<&str>, &str) {
    let split = || {
        let (folder, what) = command.trim().strip_prefix("cd ")?.split_once("&&")?;
        let folder = folder.trim();
        let folder = folder.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(folder);
        let plain =
            !folder.is_empty() && !folder.contains(['"', '\'', '$', '`', ';', '|', '&', '>', '\n', '(']);
        (plain && !what.trim().is_empty()).then(|| (folder, what.trim()))
    };
    split().map_or((None, command), |(folder, what)| (Some(folder), what))
}

/// Appends a command of several lines.
fn script(html: &mut Html, command: &str) {
    let language = Language::named("bash");
    for (i, line) in highlight::lines(language.as_ref(), command).iter().enumerate() {
        html.raw(if i > 0 { "\n" } else { "" }).html(line);
    }
}

#[cfg(test)]
mod tests {
    use super::{line, within};

    #[test]
    fn what_is_fed_to_a_command_is_left_to_its_body() {
        assert_eq!(line("python3 <<'EOF'\nprint(1)\nEOF"), "python3 <<'EOF' …");
        assert_eq!(line("a \\\n  b"), "a b");
        assert_eq!(line("cat <<< x"), "cat <<< x");
    }

    #[test]
    fn a_command_is_told_from_the_folder_it_runs_in() {
        for (command, want) in [
            ("cd /a/b && git status", (Some("/a/b"), "git status")),
            ("cd \"/a b\" && make && make install", (Some("/a b"), "make && make install")),
            ("cd x; make", (None, "cd x; make")),
            ("cd \"$DIR\" && make", (None, "cd \"$DIR\" && make")),
            ("cd $(mktemp -d) && make", (None, "cd $(mktemp -d) && make")),
            ("cd x &&", (None, "cd x &&")),
            ("cdx && y", (None, "cdx && y")),
            ("make && cd x && y", (None, "make && cd x && y")),
        ] {
            assert_eq!(within(command), want, "{command:?}");
        }
    }
}
