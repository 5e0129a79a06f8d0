//! What a search of the web found, as far as the text that came back tells: pages, and words besides.

use std::borrow::Cow;

use super::agent::Desk;
use super::json::{self, Obj, Reader};
use super::model::{Link, Output};

/// Most pages kept of one search.
const PAGES: usize = 100;
/// Characters of a title, and of a URL.
const TITLE: usize = 400;
const URL: usize = 2_000;

/// The pages that `text` lists, in a line `Links: [{"title":…,"url":…}]`, and its other words. What such a text says
/// to the agent alone (the query again, a reminder to name its sources) is left out.
pub(crate) fn pages(text: &str, desk: &Desk<'_>) -> (Vec<Link>, Output) {
    let mut links = Vec::new();
    let mut rest = String::new();
    for line in text.lines() {
        if let Some(found) = line.strip_prefix("Links: ").and_then(listed) {
            links.extend(found.iter().filter_map(|page| link(page, desk)));
        } else if !(line.starts_with("Web search results for query:") || line.starts_with("REMINDER: ")) {
            rest.push_str(line);
            rest.push('\n');
        }
    }
    links.truncate(PAGES);
    (links, desk.text(rest.trim()))
}

/// The objects of a line that is a list of them.
fn listed(line: &str) -> Option<Vec<Obj<'_>>> {
    let list = Reader::new(line).raw()?;
    let objects: Vec<Obj<'_>> = json::list(list).into_iter().filter_map(Obj::of).collect();
    (!objects.is_empty()).then_some(objects)
}

fn link(page: &Obj<'_>, desk: &Desk<'_>) -> Option<Link> {
    let url = page.text("url").filter(|url| !url.is_empty())?;
    let title = page.text("title").filter(|title| !title.trim().is_empty()).unwrap_or(Cow::Borrowed(&url));
    Some(Link { title: desk.cleaner.start(&title, TITLE), url: desk.cleaner.start(&url, URL) })
}
