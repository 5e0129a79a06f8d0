//! Lists with a sign before each entry: what is to be done, and what was asked.

use super::code::{self, Form};
use super::figures::counted;
use super::html::Html;
use super::phrase;
use super::row::{Row, said};
use super::scene::Spot;
use super::signs;
use super::step::LINE;
use crate::session::model::{Choice, Output, Question, TodoChange, TodoItem, TodoState};

/// Characters of an entry of a list, a question, an option.
const ENTRY: usize = 2_000;

/// The row of a todo list: `started: Run the linter   2 of 4 done`; the list below.
pub(super) fn todo(items: &[TodoItem], change: Option<&TodoChange>) -> Row {
    let mut row = Row::new("Todo", &[]);
    let done = items.iter().filter(|item| item.state == TodoState::Done).count();
    let doing = items.iter().find(|item| item.state == TodoState::Doing);
    let what = match (change, doing) {
        (Some(change), _) => changed(change),
        (None, Some(item)) => format!("started: {}", phrase::one_line(item.text.as_str(), LINE)),
        (None, None) if items.is_empty() => "emptied".to_owned(),
        (None, None) if done == items.len() => "all done".to_owned(),
        (None, None) => counted(items.len() as u64, "entry", "entries"),
    };
    row.what = said(&Html::of(&what));
    if items.is_empty() {
        return row;
    }
    row.res = Html::of(&format!("{done} of {} done", items.len()));
    row.body = Some(list(items));
    row
}

/// The row of one entry that was looked at: `looked at: Run the linter   in progress`; what is known of it below.
pub(super) fn entry(spot: &Spot<'_>, item: &TodoItem, about: &Output) -> Row {
    let mut row = Row::new("Todo", &[]);
    row.what = said(&Html::of(&format!("looked at: {}", phrase::one_line(item.text.as_str(), LINE))));
    row.res = Html::of(match item.state {
        TodoState::Done => "done",
        TodoState::Doing => "in progress",
        TodoState::Later => "to do",
    });
    let mut body = list(std::slice::from_ref(item));
    if !about.text.is_blank() || about.cut() {
        code::output(&mut body, spot, about, Form::Terminal);
    }
    row.body = Some(body);
    row
}

fn list(items: &[TodoItem]) -> Html {
    let mut body = Html::new();
    body.raw("<ul class=\"todo\">");
    for item in items {
        let (open, sign) = match item.state {
            TodoState::Done => ("<li class=\"done\">", signs::DONE),
            TodoState::Doing => ("<li class=\"doing\">", signs::DOING),
            TodoState::Later => ("<li>", signs::LATER),
        };
        body.raw(open).raw(sign).raw("<span>").clip(item.text.as_str(), ENTRY).raw("</span></li>");
    }
    body.raw("</ul>");
    body
}

/// `added: Run the linter`, `done: Run the linter`.
fn changed(change: &TodoChange) -> String {
    let how = match change.to {
        _ if change.added => "added",
        Some(TodoState::Doing) => "started",
        Some(TodoState::Done) => "done",
        Some(TodoState::Later) => "for later",
        None => "deleted",
    };
    format!("{how}: {}", phrase::one_line(change.text.as_str(), LINE))
}

/// The questions, open, with what was picked.
pub(super) fn question(questions: &[Question]) -> Row {
    let mut row = Row::new("Asked", &["last"]);
    let first = questions.first().map(|q| q.text.as_str()).unwrap_or_default();
    row.what = said(&phrase::with_code(&phrase::one_line(first, LINE)));
    let mut body = Html::new();
    for (i, question) in questions.iter().enumerate() {
        // The row says the first question, unless it had to be cut.
        if i > 0 || question.text.as_str().chars().nth(LINE).is_some() {
            body.raw("<p>").clip(question.text.as_str(), ENTRY).raw("</p>");
        }
        body.raw("<ul class=\"todo\">");
        for Choice { text, about, picked } in &question.options {
            body.raw(if *picked { "<li class=\"picked\">" } else { "<li class=\"passed\">" });
            body.raw(if *picked { signs::PICKED } else { signs::PASSED });
            body.raw("<span>").clip(text.as_str(), ENTRY);
            if let Some(about) = about.as_ref().filter(|about| !about.is_blank()) {
                body.raw("<span class=\"about\">").clip(about.as_str(), ENTRY).raw("</span>");
            }
            body.raw("</span></li>");
        }
        if let Some(answer) = question.answer.as_ref().filter(|answer| !answer.is_blank()) {
            body.raw("<li class=\"picked\">").raw(signs::PICKED);
            body.raw("<span>").clip(answer.as_str(), ENTRY).raw("</span></li>");
        }
        body.raw("</ul>");
    }
    row.body = Some(body);
    row.open = true;
    row
}
