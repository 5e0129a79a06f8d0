//! What came from the web: a page that was fetched, and pages that a search found.

use super::code::{self, Form};
use super::figures::{bytes, counted};
use super::html::Html;
use super::links::{self, may_link};
use super::phrase;
use super::row::{Row, cmd, note, said};
use super::scene::Spot;
use super::step::{LINE, has_result, result};
use crate::redact::CleanText;
use crate::session::model::{Link, Output, Step};

/// Longest URL that becomes a link; browsers stop at about as much.
const URL: usize = 2_000;
/// Characters of a title.
const TITLE: usize = 400;

/// A page, and what was asked of it: then what came back is prose.
pub(super) fn fetch(
    spot: &Spot<'_>,
    step: &Step,
    url: &CleanText,
    asked: Option<&CleanText>,
    content: &Output,
) -> Row {
    let mut row = Row::new("Fetch", &[]);
    row.what = cmd(phrase::clip(phrase::host_and_path(url.as_str()), LINE));
    let asked = asked.filter(|asked| !asked.is_blank());
    if content.bytes > 0 && asked.is_none() {
        row.res = Html::of(&bytes(content.bytes));
    }
    let mut body = Html::new();
    if leads_out(url.as_str()) {
        body.raw("<p class=\"note\">");
        links::open(&mut body, url.as_str());
        body.text(url.as_str()).raw("</a></p>");
    }
    match asked {
        Some(asked) => {
            body.html(&note(asked.as_str()));
            code::prose(&mut body, spot, content);
        }
        None => {
            body.html(&result(spot, step, content, Form::Terminal).unwrap_or_default());
        }
    }
    row.body = Some(body).filter(|body| !body.is_empty());
    row
}

/// The pages that a search found, as links, and what it said of them.
pub(super) fn search(
    spot: &Spot<'_>,
    step: &Step,
    query: &CleanText,
    links: &[Link],
    results: &Output,
) -> Row {
    let mut row = Row::new("Search", &[]);
    row.what = said(&Html::of(&phrase::plain_line(query.as_str(), LINE)));
    if links.is_empty() {
        row.body = has_result(step, results).then(|| {
            let mut body = Html::new();
            if results.text.is_blank() {
                code::output(&mut body, spot, results, Form::Terminal);
            } else {
                code::prose(&mut body, spot, results);
            }
            body
        });
        return row;
    }
    row.res = Html::of(&counted(links.len() as u64, "result", "results"));
    let mut body = Html::new();
    body.raw("<ul class=\"found\">");
    links.iter().for_each(|link| page(&mut body, link));
    body.raw("</ul>");
    code::prose(&mut body, spot, results);
    row.body = Some(body);
    row
}

/// Title and host of a page.
fn page(html: &mut Html, link: &Link) {
    let url = link.url.as_str();
    let title = phrase::plain_line(link.title.as_str(), TITLE);
    html.raw("<li>");
    if leads_out(url) {
        links::open(html, url);
        html.text(&title).raw("</a>");
    } else {
        html.text(&title);
    }
    let host = phrase::host_and_path(url).split('/').next().unwrap_or_default();
    html.raw(" <small>").clip(host, TITLE).raw("</small></li>");
}

fn leads_out(url: &str) -> bool {
    url.len() <= URL && may_link(url)
}
