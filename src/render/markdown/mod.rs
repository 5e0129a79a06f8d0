//! Markdown as prose. Raw HTML is text, only whitelisted URLs become links, images become links, and what
//! would take too long or grow too large is shown as plain text.
//!
//! The events of pulldown-cmark are written here rather than by its own writer, which would emit `style`
//! attributes (table alignment) and ids chosen by the text.

use std::collections::HashMap;
use std::ops::Range;

use pulldown_cmark::{
    Alignment, CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, TextMergeStream,
};

use super::highlight::{self, Language};
use super::html::Html;
use super::links::{self, may_link};
use super::phrase::code_span;
use super::signs;
use crate::redact::CleanText;

/// Longest source parsed, in bytes; a longer one is shown as it is. How much of a text a page holds is for who reads
/// the session to say.
const MAX_SOURCE: usize = 256 * 1024;
/// Most container marks (`>`, `-`, `1.`) at the start of a line. Each open container costs time on every
/// following line, so a line of thousands would make the parser quadratic.
const MAX_MARKS: usize = 32;
/// Deepest nesting written as elements; what is deeper is written as its text.
const MAX_DEPTH: usize = 48;
/// Most bytes written for one byte of source, and the room a small source has anyway: a table fills every
/// short row up to the width of its head.
const MAX_GROWTH: usize = 12;
const MIN_ROOM: usize = 64 * 1024;

/// `text` as prose.
pub fn markdown(text: &CleanText) -> Html {
    render(text.as_str(), false)
}

/// The same of a part of a text.
pub(super) fn part(text: &str) -> Html {
    render(text, false)
}

/// The same of what a person wrote, who breaks lines where they should break.
pub(super) fn written_by_hand(text: &str) -> Html {
    render(text, true)
}

fn render(source: &str, breaks: bool) -> Html {
    if source.len() > MAX_SOURCE || source.lines().any(|line| marks(line) > MAX_MARKS) {
        return plain(source);
    }
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH;
    let room = source.len() * MAX_GROWTH + MIN_ROOM;
    let mut writer = Writer { breaks, ..Writer::default() };
    // The parser parts words at every mark that could mean something: an address has to be seen whole.
    for event in TextMergeStream::new(Parser::new_ext(source, options)) {
        writer.event(event);
        if writer.out.len() > room {
            return plain(source);
        }
    }
    writer.out
}

/// The source as it is, line breaks kept.
fn plain(source: &str) -> Html {
    let mut html = Html::new();
    html.raw("<p class=\"plain\">").text(source).raw("</p>");
    html
}

/// How many container marks a line opens with.
fn marks(line: &str) -> usize {
    let mut rest = line.trim_start();
    let mut found = 0;
    while found <= MAX_MARKS {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let after = rest.get(digits..).unwrap_or_default();
        let item = if digits == 0 { ['-', '*', '+'].as_slice() } else { &['.', ')'] };
        rest = if digits == 0 && after.starts_with('>') {
            after.get(1..).unwrap_or_default().trim_start()
        } else if let Some(tail) = after.strip_prefix(item)
            && (tail.is_empty() || tail.starts_with([' ', '\t']))
        {
            tail.trim_start()
        } else {
            return found;
        };
        found += 1;
    }
    found
}

#[derive(Default)]
struct Writer {
    out: Html,
    /// A line break of the source is one on the page.
    breaks: bool,
    /// What closes each open tag.
    closing: Vec<&'static str>,
    /// URL and length of `out` at the start of each open image, to name those without a description.
    images: Vec<(String, usize)>,
    /// How many of the open tags are links: links do not nest in HTML.
    links: usize,
    /// Inside the head of a table.
    head: bool,
    /// How the columns of the open table are aligned, and which of them the next cell is in.
    columns: Vec<Alignment>,
    column: usize,
    /// Where in `out` the start tag of the open cell stands.
    cell: Range<usize>,
    /// The open block of code: its language, what was read of it, and where in `out` it begins.
    code: Option<(Option<Language>, String, usize)>,
    /// Numbers of footnotes by their names.
    footnotes: HashMap<String, usize>,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        if let (Some((_, code, _)), Event::Text(text)) = (&mut self.code, &event) {
            code.push_str(text);
            return;
        }
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(end) => self.end(end),
            Event::Text(text) if self.links == 0 => links::words(&mut self.out, &text),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.out.text(&text);
            }
            Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.out.text(&text);
            }
            Event::Code(code) => code_span(&mut self.out, &code),
            Event::FootnoteReference(name) => self.footnote(&name),
            Event::SoftBreak => {
                self.out.raw(if self.breaks { "<br>\n" } else { "\n" });
            }
            Event::HardBreak => {
                self.out.raw("<br>\n");
            }
            Event::Rule => {
                self.out.raw("<hr>\n");
            }
            Event::TaskListMarker(done) => {
                self.out.raw(if done { signs::DONE } else { signs::LATER }).raw(" ");
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        let deep = self.closing.len() >= MAX_DEPTH;
        let (open, close) = match tag {
            Tag::Link { dest_url, .. } => return self.link(&dest_url),
            Tag::Image { dest_url, .. } => return self.image(&dest_url),
            _ if deep => ("", " "),
            Tag::Paragraph => ("<p>", "</p>\n"),
            Tag::Heading { .. } => ("<h3>", "</h3>\n"),
            Tag::BlockQuote(_) => ("<blockquote dir=\"auto\">\n", "</blockquote>\n"),
            Tag::CodeBlock(kind) => {
                let language = match &kind {
                    CodeBlockKind::Fenced(info) => Language::named(info),
                    CodeBlockKind::Indented => None,
                };
                self.code = Some((language, String::new(), self.out.len()));
                ("<pre class=\"block\"><code>", "</code></pre>\n")
            }
            Tag::HtmlBlock => ("<p class=\"plain\">", "</p>\n"),
            Tag::List(None) => ("<ul dir=\"auto\">\n", "</ul>\n"),
            Tag::List(Some(from)) => return self.ordered(from),
            Tag::Item => ("<li>", "</li>\n"),
            Tag::FootnoteDefinition(name) => return self.definition(&name),
            Tag::Table(columns) => {
                self.columns = columns;
                ("<div class=\"wide\" dir=\"auto\"><table>", "</tbody></table></div>\n")
            }
            Tag::TableHead => {
                self.head = true;
                self.column = 0;
                ("<thead><tr>", "</tr></thead><tbody>\n")
            }
            Tag::TableRow => {
                self.column = 0;
                ("<tr>", "</tr>\n")
            }
            Tag::TableCell => return self.table_cell(),
            Tag::Emphasis => ("<em>", "</em>"),
            Tag::Strong => ("<strong>", "</strong>"),
            Tag::Strikethrough => ("<s>", "</s>"),
            // Not enabled: their text is enough.
            Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => ("", ""),
        };
        self.open(open, close);
    }

    fn end(&mut self, end: TagEnd) {
        match end {
            TagEnd::TableHead => self.head = false,
            TagEnd::CodeBlock => return self.code(),
            TagEnd::Image => {
                if let Some((url, from)) = self.images.pop()
                    && self.out.len() == from
                {
                    self.out.text(&url);
                }
            }
            _ => {}
        }
        let mut close = self.closing.pop().unwrap_or_default();
        // A heading without a word heads nothing.
        if close == "</th>" && self.out.len() == self.cell.end {
            self.out.cut(self.cell.start);
            self.out.raw("<td>");
            close = "</td>";
        }
        if close == "</a>" {
            self.links -= 1;
        }
        self.out.raw(close);
    }

    /// Appends the block of code that ends here; a block of nothing is none.
    fn code(&mut self) {
        let close = self.closing.pop().unwrap_or_default();
        let Some((language, code, start)) = self.code.take() else { return };
        if code.trim().is_empty() {
            return self.out.cut(start);
        }
        for (i, line) in highlight::lines(language.as_ref(), &code).iter().enumerate() {
            self.out.raw(if i > 0 { "\n" } else { "" }).html(line);
        }
        self.out.raw(close);
    }

    fn open(&mut self, open: &'static str, close: &'static str) {
        self.out.raw(open);
        self.closing.push(close);
    }

    fn table_cell(&mut self) {
        let (open, close) = if self.head { ("<th", "</th>") } else { ("<td", "</td>") };
        let class = match self.columns.get(self.column) {
            Some(Alignment::Right) => " class=\"right\">",
            Some(Alignment::Center) => " class=\"mid\">",
            _ => ">",
        };
        self.column += 1;
        let start = self.out.len();
        self.out.raw(open).raw(class);
        self.cell = start..self.out.len();
        self.closing.push(close);
    }

    fn link(&mut self, url: &str) {
        if self.links == 0 && may_link(url) {
            self.links += 1;
            links::open(&mut self.out, url);
            self.closing.push("</a>");
        } else {
            self.closing.push("");
        }
    }

    /// No image of a stranger's is loaded: that request would tell them who reads.
    fn image(&mut self, url: &str) {
        self.link(url);
        self.images.push((url.to_owned(), self.out.len()));
    }

    fn ordered(&mut self, from: u64) {
        if from == 1 {
            return self.open("<ol dir=\"auto\">\n", "</ol>\n");
        }
        self.out.raw("<ol dir=\"auto\" start=\"").num(from).raw("\">\n");
        self.closing.push("</ol>\n");
    }

    fn footnote(&mut self, name: &str) {
        let number = self.number(name);
        self.out.raw("<sup>").num(number).raw("</sup>");
    }

    fn definition(&mut self, name: &CowStr<'_>) {
        let number = self.number(name);
        self.out.raw("<div class=\"fn\"><sup>").num(number).raw("</sup>\n");
        self.closing.push("</div>\n");
    }

    fn number(&mut self, name: &str) -> u64 {
        let next = self.footnotes.len() + 1;
        *self.footnotes.entry(name.to_owned()).or_insert(next) as u64
    }
}

#[cfg(test)]
mod tests;
