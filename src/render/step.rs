//! A step as a [`Row`]: its outcome, and the form of its tool.

use super::code::{self, Form};
use super::diff;
use super::figure;
use super::figures::{counted, found, tokens};
use super::highlight::Language;
use super::html::Html;
use super::markdown::markdown;
use super::other::{self, NAME};
use super::phrase;
use super::row::{Row, cmd, note, said, small};
use super::scene::Spot;
use super::signs;
use super::{checklist, nest, pairs, shell, web};
use crate::redact::CleanText;
use crate::session::model::{Outcome, Output, Step, StepKind, Tool};

/// The most characters of a command or query in a row.
pub(super) const LINE: usize = 300;

/// The row of `step`. `running`: no result yet because it is still going on.
pub(super) fn row(spot: &Spot<'_>, step: &Step, running: bool) -> Row {
    let spot = &spot.step(step.no);
    let mut row = form(spot, step, running);
    row.classes.insert(0, kind(step.kind));
    row.id.clone_from(&spot.id);
    row.took = step.took;
    row.at = step.at;
    if !step.beside.is_empty() {
        row.body = Some(with_beside(spot, step, row.body.take())).filter(|body| !body.is_empty());
    }
    if matches!(step.tool, Tool::Agent { .. }) && step.beside.iter().any(in_background) {
        let alone = row.res.is_empty();
        row.res.raw(if alone { "in the background" } else { " <span>in the background</span>" });
    }
    outcome(&mut row, spot, step, running);
    for image in &step.images {
        figure::attachment(row.body.get_or_insert_default(), spot.scene, image, "Image");
    }
    row
}

/// What the call was given besides, above what its form shows.
fn with_beside(spot: &Spot<'_>, step: &Step, body: Option<Html>) -> Html {
    let mut whole = match (&step.tool, step.beside.as_slice()) {
        (Tool::Todo { .. }, [(_, why)]) => note(why.as_str()),
        (Tool::Edit { .. }, [(key, yes)]) if key.as_str() == "replace_all" && yes.as_str() == "true" => {
            note("Every occurrence")
        }
        (Tool::Agent { .. }, beside) => {
            // That is said in the row.
            let rest: Vec<_> = beside.iter().filter(|given| !in_background(given)).cloned().collect();
            pairs::list(spot, &rest)
        }
        (_, beside) => pairs::list(spot, beside),
    };
    whole.html(&body.unwrap_or_default());
    whole
}

fn in_background((key, value): &(CleanText, CleanText)) -> bool {
    key.as_str() == "run_in_background" && value.as_str() == "true"
}

/// The class that decides colours, and what the script looks for.
fn kind(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Read => "read",
        StepKind::Edit => "edit",
        StepKind::Run => "run",
        StepKind::Agent => "agent",
        StepKind::Other => "other",
    }
}

fn outcome(row: &mut Row, spot: &Spot<'_>, step: &Step, running: bool) {
    match &step.outcome {
        Outcome::Done => {}
        Outcome::Failed(text) => {
            row.classes.push("failed");
            let exit = match &step.tool {
                Tool::Shell { exit, .. } | Tool::Polled { exit, .. } => *exit,
                _ => None,
            };
            row.res = failed(&exit.map_or_else(|| "failed".to_owned(), |code| format!("exit {code}")));
            if !text.is_blank() {
                code::error(row.body.get_or_insert_default(), spot, text.as_str());
            }
        }
        Outcome::Declined => {
            row.classes.push("declined");
            let mut res = Html::new();
            res.raw("<span class=\"warn\">declined</span>");
            if !row.res.is_empty() && matches!(step.tool, Tool::Edit { .. } | Tool::Write { .. }) {
                res.raw(" ").html(&row.res);
            }
            row.res = res;
        }
        Outcome::Open if running => {
            row.classes.push("running");
            row.res = Html::new();
        }
        Outcome::Open => row.res = Html::of("no result recorded"),
    }
}

/// A red cross and the word beside it.
fn failed(word: &str) -> Html {
    let mut html = Html::new();
    html.raw(signs::CROSS).raw("<span class=\"fail\">").text(word).raw("</span>");
    html
}

/// Verb, object, result and body, as the tool has it.
fn form(spot: &Spot<'_>, step: &Step, running: bool) -> Row {
    match &step.tool {
        Tool::Shell { command, description, background, output, .. } => shell::row(
            spot,
            step,
            command.as_str(),
            description.as_ref().map(|d| d.as_str()),
            *background,
            output,
        ),
        Tool::Read { path, from, content } => {
            let mut res = counted(content.lines, "line", "lines");
            if *from > 1 {
                res.push_str(&format!(" from {from}"));
            }
            let mut body = Html::new();
            if has_result(step, content) {
                let language = Language::of_path(path.as_str());
                code::output(&mut body, spot, content, Form::Numbered(*from, language.as_ref()));
            }
            let res = if content.lines > 0 { Html::of(&res) } else { Html::new() };
            file("Read", path.as_str(), res, body)
        }
        Tool::Write { path, created, diff } => {
            let mut res = Html::new();
            if *created {
                res.raw("new file ");
            }
            diff::plus_minus(&mut res, diff.added, diff.removed);
            let mut body = Html::new();
            diff::table(&mut body, spot, path.as_str(), diff, *created);
            file("Write", path.as_str(), res, body)
        }
        Tool::Edit { path, diff } => {
            let (mut res, mut body) = (Html::new(), Html::new());
            diff::plus_minus(&mut res, diff.added, diff.removed);
            diff::table(&mut body, spot, path.as_str(), diff, false);
            file("Edit", path.as_str(), res, body)
        }
        Tool::Find { verb, pattern, within, matches, files, hits } => {
            let mut row = Row::new(verb, &[]);
            row.what = cmd(phrase::clip(pattern.as_str(), LINE));
            if let Some(within) =
                within.as_ref().filter(|within| !within.is_blank() && within.as_str().trim() != ".")
            {
                row.what
                    .raw("<span class=\"in\"> in <span class=\"dir\">")
                    .clip(within.as_str(), LINE)
                    .raw("</span></span>");
            }
            row.res = match (found(*matches, *files), hits.lines) {
                _ if !has_result(step, hits) => Html::new(),
                (Some(found), _) => Html::of(&found),
                (None, 0) => Html::of("nothing found"),
                (None, n) => Html::of(&counted(n, "line", "lines")),
            };
            let paths = *verb != "Grep";
            // That nothing was found is said in the row.
            let nothing = matches!((matches, files), (Some(0), _) | (None, Some(0))) && hits.lines < 3;
            if !nothing || !hits.text.as_str().starts_with("No ") {
                row.body = result(spot, step, hits, if paths { Form::Paths } else { Form::Matches });
            }
            row
        }
        Tool::Polled { command, state, exit, output } => {
            let mut row = Row::new("Output", &[]);
            row.what = cmd(&phrase::plain_line(command.as_str(), LINE));
            row.res = match (exit, state) {
                (Some(code), _) => failed(&format!("exit {code}")),
                (None, Some(state)) => Html::of(&phrase::plain_line(state.as_str(), NAME)),
                (None, None) => Html::new(),
            };
            row.body = result(spot, step, output, Form::Terminal);
            row
        }
        Tool::Fetch { url, asked, content } => web::fetch(spot, step, url, asked.as_ref(), content),
        Tool::WebSearch { query, links, results } => web::search(spot, step, query, links, results),
        Tool::Todo { items, change } => checklist::todo(items, change.as_ref()),
        Tool::TodoEntry { item, about } => checklist::entry(spot, item, about),
        Tool::Plan { text } => {
            let mut row = Row::new("Plan", &["last"]);
            row.what = said(&phrase::with_code(&phrase::one_line(first_line(text.as_str()), 120)));
            if step.outcome == Outcome::Done {
                row.res = Html::of("accepted");
            }
            row.body = Some(small(&markdown(text)));
            row.open = true;
            row
        }
        Tool::Question { questions } => checklist::question(questions),
        Tool::Agent { .. } => nest::agent(spot, step, running),
        Tool::Other { .. } => other::row(spot, step),
    }
}

/// Whether there is a result to speak of: a step without one has no "No output" either.
pub(super) fn has_result(step: &Step, output: &Output) -> bool {
    let silent = step.outcome == Outcome::Done && step.images.is_empty();
    silent || !output.text.is_blank()
}

pub(super) fn result(spot: &Spot<'_>, step: &Step, output: &Output, form: Form<'_>) -> Option<Html> {
    has_result(step, output).then(|| {
        let mut html = Html::new();
        code::output(&mut html, spot, output, form);
        html
    })
}

fn file(verb: &'static str, path: &str, res: Html, body: Html) -> Row {
    let mut row = Row::new(verb, &[]);
    phrase::path(&mut row.what, path);
    row.res = res;
    row.body = Some(body).filter(|body| !body.is_empty());
    row
}

fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()
}

/// `24 steps, 51 k tokens`; on a phone the steps alone, or the task would have no room.
pub(super) fn effort(steps: u64, used: Option<u64>) -> Html {
    let used = used.filter(|&used| used > 0);
    let mut html = Html::new();
    if steps == 0 && used.is_none() {
        return html;
    }
    // One part of the row: its parts have gaps between them.
    html.raw("<span>");
    if steps > 0 {
        html.text(&counted(steps, "step", "steps"));
    }
    if let Some(used) = used {
        html.raw(if steps > 0 { "<span class=\"in\">, " } else { "<span class=\"in\">" });
        html.text(&tokens(used)).raw(" tokens</span>");
    }
    html.raw("</span>");
    html
}
