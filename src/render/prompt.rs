//! What a person said: a heading with its number in the margin, and what did not fit into the heading.

use std::borrow::Cow;

use super::figure;
use super::figures::counted;
use super::html::Html;
use super::markdown::written_by_hand;
use super::phrase;
use super::scene::Scene;
use crate::session::model::{Prompt, is_picture, without_sign};

/// Characters of a prompt that are its heading.
const HEADING: usize = 240;
/// Lines of the rest shown before "n more lines".
const SHOWN: usize = 12;
/// Characters on a line of prose, for counting the lines of a long one.
const WIDTH: usize = 75;

/// A prompt's heading and the rest of it. The path of a picture that stands above the words goes below them.
fn split(text: &str) -> (String, Cow<'_, str>) {
    let mut words = text.trim();
    let mut pictures = String::new();
    while let Some((path, below)) = words.split_once('\n').filter(|(line, _)| is_picture(line.trim())) {
        pictures.push_str(path.trim());
        pictures.push('\n');
        words = below.trim_start();
    }
    let (heading, rest) = split_words(words);
    if pictures.is_empty() {
        return (heading, Cow::Borrowed(rest));
    }
    (heading, Cow::Owned(format!("{pictures}\n{rest}").trim_end().to_owned()))
}

fn split_words(text: &str) -> (String, &str) {
    // A paragraph ends at a blank line; \r\n counts as \n does.
    let end = ["\n\n", "\r\n\r\n", "\n \n"].iter().filter_map(|blank| text.find(blank)).min();
    let (first, rest) = end.and_then(|end| text.split_at_checked(end)).unwrap_or((text, ""));
    match phrase::clip_words(first, HEADING) {
        None => (first.to_owned(), from_first_line(rest).trim_end()),
        Some(cut) => (format!("{cut}…"), text.get(cut.len()..).unwrap_or_default().trim()),
    }
}

/// From the first line that is not blank on, indented as it is: so a list that was pasted stays a list.
fn from_first_line(text: &str) -> &str {
    let words = text.trim_start();
    let blank = text.len() - words.len();
    let line = text.get(..blank).and_then(|blank| blank.rfind('\n')).map_or(0, |at| at + 1);
    text.get(line..).unwrap_or(words)
}

/// Appends the heading's content: a command in mono, words with their code marked, line breaks kept.
pub(super) fn heading(html: &mut Html, prompt: &Prompt) {
    match &prompt.command {
        Some(command) => {
            html.raw("<code>").text(&phrase::plain_line(command.as_str(), HEADING)).raw("</code>");
        }
        None => {
            let (heading, _) = split(prompt.text.as_str());
            let heading = rejoined(without_marks(without_sign(&heading)));
            html.html(&phrase::with_code_and_links(&heading));
        }
    }
}

/// A heading of a document, without the marks that make it one.
fn without_marks(heading: &str) -> &str {
    let words = heading.trim_start_matches('#');
    let marks = heading.len() - words.len();
    if (1..=6).contains(&marks) && words.starts_with(' ') { words.trim_start() } else { heading }
}

/// With the lines joined that a terminal had broken: a long one that goes on in the middle of a sentence.
fn rejoined(heading: &str) -> String {
    let mut out = String::with_capacity(heading.len());
    let mut lines = heading.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        let goes_on = |next: &&str| {
            let ends = line.trim_end().ends_with(['.', ':', ';', '?', '!']);
            !ends
                && line.chars().nth(WIDTH - 1).is_some()
                && next.trim_start().starts_with(char::is_lowercase)
        };
        match lines.peek() {
            Some(next) if goes_on(next) => out.push(' '),
            Some(_) => out.push('\n'),
            None => {}
        }
    }
    out
}

/// Appends what follows the heading and its meta line: the rest of the text, attachments.
pub(super) fn rest(html: &mut Html, scene: &Scene, prompt: &Prompt) {
    if prompt.command.is_none() {
        let (_, rest) = split(prompt.text.as_str());
        folded(html, &rest);
    }
    for file in &prompt.attachments {
        figure::attachment(html, scene, file, "Pasted image");
    }
}

fn folded(html: &mut Html, text: &str) {
    if text.is_empty() {
        return;
    }
    let document = is_document(text);
    let text = if document { text.trim_start() } else { text };
    let at = if document { fold_between_blocks(text) } else { fold(text) };
    let (first, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    let prose = |text: &str| {
        if document {
            return written_by_hand(text);
        }
        let mut html = Html::new();
        html.raw("<p>").html(&phrase::with_code_and_links(text)).raw("</p>");
        html
    };
    html.raw(if document { "<div class=\"prose said doc\">" } else { "<div class=\"prose said\">" });
    html.html(&prose(first.trim_end()));
    if !rest.trim().is_empty() {
        let lines = rest.trim().lines().count() as u64;
        let more = counted(lines, "more line", "more lines");
        html.raw("<details class=\"more\"><summary>").text(&more).raw("</summary>");
        html.html(&prose(rest.trim_matches(['\r', '\n']))).raw("</details>");
    }
    html.raw("</div>");
}

/// Whether somebody wrote Markdown: a plan or an issue that was pasted. Words typed into a terminal are no Markdown
/// and stay as they are, stars, underscores and all.
fn is_document(text: &str) -> bool {
    let is_fence = |line: &&str| line.trim_start().starts_with("```");
    let is_heading = |line: &&str| {
        let words = line.trim_start_matches('#');
        (1..5).contains(&(line.len() - words.len())) && words.starts_with(' ')
    };
    text.lines().filter(is_fence).count() >= 2 || text.lines().filter(is_heading).count() >= 2
}

/// Where a document folds, in bytes: between two of its blocks, after the one that fills [`SHOWN`] lines.
fn fold_between_blocks(text: &str) -> usize {
    let (mut shown, mut at, mut fenced) = (0, 0, false);
    for line in text.split_inclusive('\n') {
        fenced ^= line.trim_start().starts_with("```");
        shown += line.chars().count().div_ceil(WIDTH).max(1);
        at += line.len();
        let left = text.get(at..).unwrap_or_default();
        if shown >= SHOWN && !fenced && line.trim().is_empty() && left.lines().count() > 2 {
            return at;
        }
    }
    text.len()
}

/// Where the text folds, in bytes: after the line that fills [`SHOWN`] lines on screen. Two lines more
/// than that are not worth a fold.
fn fold(text: &str) -> usize {
    let mut shown = 0;
    let mut at = 0;
    let mut cut = None;
    for line in text.split_inclusive('\n') {
        let chars = line.chars().count();
        if shown >= SHOWN && cut.is_none() {
            cut = Some(at);
        }
        shown += chars.div_ceil(WIDTH).max(1);
        at += line.len();
    }
    if shown <= SHOWN + 2 {
        return text.len();
    }
    cut.or_else(|| {
        // One endless line: cut inside it.
        phrase::clip_words(text, SHOWN * WIDTH).map(str::len)
    })
    .unwrap_or(text.len())
}

/// Appends an aside.
pub(super) fn aside(html: &mut Html, scene: &Scene, no: u32, how: &'static str, prompt: &Prompt) {
    html.raw("<header class=\"prompt aside\" id=\"a").num(no).raw("\" tabindex=\"-1\"><h3>");
    heading(html, prompt);
    html.raw("</h3><p class=\"meta\">").html(&scene.clock(prompt.at)).raw(" <span>").raw(how);
    html.raw("</span></p>");
    rest(html, scene, prompt);
    html.raw("</header>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_paragraph_is_the_heading() {
        for (text, heading, rest) in [
            ("one\ntwo\n\nthree\n\nfour", "one\ntwo", "three\n\nfour"),
            ("  one  ", "one", ""),
            ("do:\n\n  \n  1. a\n  2. b\n", "do:", "  1. a\n  2. b"),
            ("'/T/a b.png'\n/T/b.png\nwhy?\n\nmore", "why?", "'/T/a b.png'\n/T/b.png\n\nmore"),
            ("'/T/a.png'\n\nwhy?", "why?", "'/T/a.png'"),
            ("'/T/a.png'", "'/T/a.png'", ""),
        ] {
            assert_eq!(split(text), (heading.to_owned(), rest.into()), "{text:?}");
        }
        let broken = format!("{}\nthe end of it.\nAnother\nline", "word ".repeat(16).trim_end());
        assert_eq!(rejoined(&broken), format!("{}the end of it.\nAnother\nline", "word ".repeat(16)));
        let bare = ["## User Input", "#hashtag", "# one\ntwo", "C# or F#"].map(without_marks);
        assert_eq!(bare, ["User Input", "#hashtag", "one\ntwo", "C# or F#"]);
    }

    #[test]
    fn the_sign_of_a_terminal_is_in_the_prompt_and_not_in_its_heading() {
        let shown = |text: &str| {
            let mut html = Html::new();
            heading(&mut html, &crate::render::tests::fixture::prompt(text, 0));
            html.into_string()
        };
        assert_eq!(shown("❯ This branch\n❯ is a PR"), "This branch\n❯ is a PR");
        assert_eq!(["❯x", "> quoted", "$ ls"].map(shown), ["❯x", "&gt; quoted", "$ ls"]);
    }

    #[test]
    fn a_long_paragraph_goes_on_below_its_heading() {
        let text = "word ".repeat(100);
        let (heading, rest) = split(&text);
        assert!(heading.chars().count() <= HEADING + 1, "{heading}");
        assert!(heading.ends_with("word…"), "{heading}");
        let words = heading.matches("word").count() + rest.matches("word").count();
        assert_eq!(words, 100);
    }

    #[test]
    fn a_pasted_document_is_shown_as_one_and_folds_between_its_blocks() {
        let (steps, code) = ("step\n".repeat(6), "x\n\n".repeat(9));
        let plan = format!("## Plan\n\n{steps}\n```go\n{code}```\n\n## Then\n\nrest\nrest\nrest\n");
        assert!(is_document(&plan));
        let (first, rest) = plan.split_at(fold_between_blocks(&plan));
        assert!(first.trim_end().ends_with("```"), "{first}");
        assert!(rest.starts_with("## Then"), "{rest}");
        for typed in ["# not a document", "a * b * c", "use `x`\n\n#hashtag\n#other", "```one fence"] {
            assert!(!is_document(typed), "{typed}");
        }
    }

    #[test]
    fn the_rest_folds_after_twelve_lines() {
        let text = "line\n".repeat(30);
        assert_eq!(fold(&text), 12 * 5);
        assert_eq!(fold(&"line\n".repeat(14)), 14 * 5);
        let endless = "word ".repeat(1_000);
        assert!(fold(&endless) <= SHOWN * WIDTH, "{}", fold(&endless));
    }
}
