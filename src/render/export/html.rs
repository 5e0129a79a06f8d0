//! One self-contained page: the page's own document cut open, style sheet and script inside, the turns of
//! all windows after each other, images as `data:` URLs.
//!
//! The page's markup is escaped through and through (`Html`), so ` href="` and ` src="` in it are always
//! attributes of ours: links between pages become links inside the one file by rewriting these. The policy
//! names the hashes of our script and our style sheet; whatever else might slip in does not run.

use std::io::Write;

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use super::{ExportError, Whole};
use crate::render::assets::{css, icon, js};
use crate::render::html::Html;
use crate::render::mask;
use crate::render::page::{PageInput, page};
use crate::render::scene::Scene;
use crate::render::turn;
use crate::session::Session;
use crate::session::model::{AttachmentNo, Item, Overview, Window};

/// Where the turns begin in the page's document.
const TALK: &str = "<div id=\"talk\" tabindex=\"-1\"></div>";
/// Where they end.
const END: &str = "</main>";
/// Bytes that are brought into one window beyond what a page shows of it: a window is held in memory.
const ROOM: u64 = 16 << 20;
/// Before what the policy is about.
const CHARSET: &str = "<meta charset=\"utf-8\">";

pub(super) fn write(source: &Whole<'_>, out: &mut dyn Write) -> Result<(), ExportError> {
    // To the script, there are no windows to be fetched.
    let overview = &Overview { windows: 0, ..(*source.overview).clone() };
    let input =
        PageInput { overview, window: &Window::default(), title: None, live: false, downloads: false };
    let document = page(&input);
    let (before, after) = document.split_once(TALK).unwrap_or((&document, ""));
    let after = after.rfind(END).and_then(|at| after.get(at..)).unwrap_or(after);
    let (head, body) = before.split_once("<body>").unwrap_or(("", before));
    let body = &without_server(body);
    out.write_all(with_assets(head).as_bytes())?;
    out.write_all(b"<body>")?;
    let mut alone = Alone { session: source.session, out, kept: Kept::default() };
    alone.write(body)?;
    alone.out.write_all(TALK.as_bytes())?;
    let mut said = false;
    source.windows(|mut window| {
        said |= !window.turns.is_empty();
        unfold(source.session, &mut window)?;
        // Of the window: what a turn says that goes on in it is counted from there.
        let scene = Scene::new(overview, window.no, false, false);
        for (one, after) in window.turns.iter().zip(turn::after(&window.turns, !window.next)) {
            let mut html = Html::new();
            turn::write(&mut html, &scene, overview, one, after);
            alone.write(&mask::named(html.into_string()))?;
        }
        Ok(())
    })?;
    let end = if said { "End of session." } else { "Nothing was said in this session." };
    alone.out.write_all(format!("<footer class=\"foot\"><p>{end}</p></footer>\n").as_bytes())?;
    alone.write(after)
}

/// Puts whole what the window cuts of its steps, as far as there is room for it.
fn unfold(session: &Session, window: &mut Window) -> Result<(), ExportError> {
    let mut room = ROOM;
    for item in window.turns.iter_mut().flat_map(|turn| &mut turn.items) {
        let Item::Step(step) = item else { continue };
        let left_out = step.left_out();
        if left_out > 0 && left_out <= room {
            room -= left_out;
            if let Some(whole) = session.step(step.no)? {
                **step = whole;
            }
        }
    }
    Ok(())
}

/// The page without what asks the server something: the search, "Copy all". The script filters the outline all
/// the same.
fn without_server(body: &str) -> String {
    let pieces =
        [("<form class=\"search\"", "</form>\n"), (" <button type=\"button\" id=\"all\"", "</button>")];
    pieces.into_iter().fold(body.to_owned(), |body, (open, close)| match body.split_once(open) {
        Some((before, rest)) => {
            let after = rest.split_once(close).map_or("", |(_, after)| after);
            format!("{before}{after}")
        }
        None => body,
    })
}

/// The head of the document with the assets in place of links to them, and the policy before them.
fn with_assets(head: &str) -> String {
    let (style, script) = (text(css().raw), text(js().raw));
    let link = format!("<link rel=\"stylesheet\" href=\"a/{}\">", css().name);
    let load = format!("<script src=\"a/{}\"></script>", js().name);
    let policy = format!(
        "{CHARSET}\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'\">",
        hash(style),
        hash(script),
    );
    let picture = format!("href=\"data:{};base64,{}\"", icon().content_type, BASE64.encode(icon().raw));
    head.replacen(CHARSET, &policy, 1)
        .replacen(&format!("href=\"a/{}\"", icon().name), &picture, 1)
        .replacen(&link, &format!("<style>{style}</style>"), 1)
        .replacen(&load, &format!("<script>{script}</script>"), 1)
}

/// Our assets are text.
fn text(raw: &'static [u8]) -> &'static str {
    std::str::from_utf8(raw).unwrap_or_default()
}

/// As a policy names what may be inline.
fn hash(text: &str) -> String {
    BASE64.encode(&Sha256::digest(text.as_bytes()))
}

/// What an address of the page means where there are no other pages.
#[derive(Debug, PartialEq, Eq)]
enum Address<'a> {
    /// It leads out, or within the page, already.
    Kept,
    /// To an id of this file.
    Here(&'a str),
    /// To the page of a step: its whole output is not in this file.
    Step,
    /// To the bytes of an attachment.
    Attachment(AttachmentNo),
    /// Nowhere.
    Nowhere,
}

fn address(value: &str) -> Address<'_> {
    let outward = ["http://", "https://", "mailto:", "#"];
    if outward.iter().any(|start| value.starts_with(start)) {
        return Address::Kept;
    }
    let (path, fragment) = value.split_once('#').map_or((value, None), |(path, id)| (path, Some(id)));
    let path = path.trim_start_matches("../").trim_start_matches("./");
    let is_step = path.strip_prefix('s').is_some_and(|no| no.parse::<u32>().is_ok());
    match (path, fragment) {
        _ if is_step => Address::Step,
        (_, Some(id)) => Address::Here(id),
        ("", None) => Address::Here("top"),
        _ => {
            let attached = path.strip_prefix('i').and_then(AttachmentNo::parse);
            attached.map_or(Address::Nowhere, Address::Attachment)
        }
    }
}

/// Writes pieces of the page with their addresses changed.
struct Alone<'a> {
    session: &'a Session,
    out: &'a mut dyn Write,
    kept: Kept,
}

/// The attachments of the record that was read last, and the number of the first.
type Kept = (u32, Vec<Option<(&'static str, Vec<u8>)>>);

impl Alone<'_> {
    fn write(&mut self, html: &str) -> Result<(), ExportError> {
        let mut rest = html;
        let mut attributes = Attributes::of(html);
        while let Some((at, name)) = attributes.next(html, html.len() - rest.len()) {
            let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
            let opened = from.get(name.len()..).unwrap_or_default();
            let Some((value, after)) = opened.split_once('"') else { break };
            self.out.write_all(before.as_bytes())?;
            rest = after;
            match address(value) {
                Address::Kept => write!(self.out, "{name}{value}\"")?,
                Address::Here(id) => write!(self.out, "{name}#{id}\"")?,
                Address::Nowhere => {}
                Address::Step => rest = self.rest_of_step(after)?,
                Address::Attachment(no) => self.attachment(name, no)?,
            }
        }
        Ok(self.out.write_all(rest.as_bytes())?)
    }

    /// The words of a link to a step's own page say that it is not here.
    fn rest_of_step<'h>(&mut self, after: &'h str) -> Result<&'h str, ExportError> {
        let Some((words, rest)) = after.split_once("</a>") else { return Ok(after) };
        let told = words
            .replace("on their own page", "not in this file")
            .replace("on its own page", "not in this file");
        write!(self.out, "{told}</a>")?;
        Ok(rest)
    }

    /// The bytes as a URL: an image is shown; what is linked can only be downloaded.
    fn attachment(&mut self, name: &str, no: AttachmentNo) -> Result<(), ExportError> {
        let found;
        let kept = match no.steps() {
            [] => of_record(self.session, &mut self.kept, no.no)?,
            _ => {
                found = self.session.attachment(no)?;
                found.as_ref()
            }
        };
        let Some((media_type, bytes)) = kept else { return Ok(()) };
        let picture = media_type.starts_with("image/");
        if name == SRC && picture {
            write!(self.out, "{SRC}data:{media_type};base64,{}\"", BASE64.encode(bytes))?;
        } else if name == HREF && !picture {
            let encoded = BASE64.encode(bytes);
            let file = "application/octet-stream";
            write!(self.out, " download=\"attachment-{no}\"{HREF}data:{file};base64,{encoded}\"")?;
        }
        Ok(())
    }
}

/// An attachment of the session's own file: the record that holds it is read once for all that it holds.
fn of_record<'k>(
    session: &Session,
    kept: &'k mut Kept,
    no: u32,
) -> Result<Option<&'k (&'static str, Vec<u8>)>, ExportError> {
    let at = |first: u32| no.checked_sub(first).map(|at| at as usize);
    if at(kept.0).is_none_or(|at| at >= kept.1.len()) {
        *kept = session.attachments_with(no)?;
    }
    Ok(at(kept.0).and_then(|at| kept.1.get(at)?.as_ref()))
}

const HREF: &str = " href=\"";
const SRC: &str = " src=\"";

/// Where the next attribute of each name stands: looked for once, however many of another name come before it.
struct Attributes([(Option<usize>, &'static str); 2]);

impl Attributes {
    fn of(html: &str) -> Self {
        Self([HREF, SRC].map(|name| (html.find(name), name)))
    }

    /// Where the next address of `html` stands behind `from`, seen from there, and how its attribute begins.
    fn next(&mut self, html: &str, from: usize) -> Option<(usize, &'static str)> {
        for (at, name) in &mut self.0 {
            if at.is_some_and(|at| at < from) {
                *at = html.get(from..).and_then(|rest| rest.find(*name)).map(|at| from + at);
            }
        }
        self.0.iter().filter_map(|(at, name)| Some((at.as_ref()? - from, *name))).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_other_pages_become_places_in_the_file() {
        for (value, means) in [
            ("https://example.org/#x", Address::Kept),
            ("mailto:a@example.org", Address::Kept),
            ("#p3", Address::Kept),
            ("w/4#p9", Address::Here("p9")),
            ("./#s2", Address::Here("s2")),
            ("../w/4#a1", Address::Here("a1")),
            ("./", Address::Here("top")),
            ("", Address::Here("top")),
            ("s12", Address::Step),
            ("s12#s12.3", Address::Step),
            ("i7", Address::Attachment(7.into())),
            ("../i7.2", Address::Attachment(AttachmentNo::parse("7.2").unwrap())),
            ("w/4", Address::Nowhere),
            ("javascript:x", Address::Nowhere),
            ("//example.org", Address::Nowhere),
        ] {
            assert_eq!(address(value), means, "{value}");
        }
    }

    #[test]
    fn the_head_carries_its_assets_and_a_policy_of_their_hashes() {
        let overview = Overview::default();
        let input = PageInput {
            overview: &overview,
            window: &Window::default(),
            title: None,
            live: false,
            downloads: false,
        };
        let (head, _) = page(&input).split_once("<body>").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let head = with_assets(&head);
        assert!(!head.contains(" src=") && !head.contains("\"a/"), "something is linked still");
        assert_eq!(
            head.matches(" href=").count(),
            head.matches(" href=\"data:image/svg+xml;base64,").count()
        );
        // FIPS 180-2, appendix B.1.
        assert_eq!(hash("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
        assert!(head.contains(&format!("script-src 'sha256-{}'", hash(text(js().raw)))));
        for raw in [text(css().raw), text(js().raw)] {
            assert!(!raw.to_lowercase().contains("</s"), "an asset would end its element");
        }
    }
}
