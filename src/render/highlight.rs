//! Code in colour: which parts of a line are comments, strings and words of the language. Three inks, no more:
//! colour on this page means something, and code is read before it is admired.
//!
//! What finds them is a grammar engine of somebody else's, behind a trait, because what it is given was
//! written by strangers: it gets so many bytes and steps a block and, from who serves pages, so much time a
//! page ([`while_there_is_time`]). Where it gives up, fails or panics, the code stands there as plain text.

mod engine;

use std::cell::RefCell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::html::Html;
use super::phrase::clip_bytes;

/// Bytes of one block that are coloured; what follows is plain.
const BYTES: usize = 64 * 1024;
/// Steps of the engine for one block: matches tried, parts found. Counted rather than timed, so that a page is
/// the same each time; well over what code written by people takes.
const STEPS: u64 = 200_000;

/// Says whether there is time left.
type Patience = Box<dyn Fn() -> bool>;

thread_local! {
    /// The patience of who asked this thread for a page; nobody's: a page takes the time it takes.
    static PATIENCE: RefCell<Option<Patience>> = const { RefCell::new(None) };
}

/// Runs `job` with code coloured only as long as `is_time` says so. This module reads no clock: its caller does.
pub fn while_there_is_time<T>(is_time: impl Fn() -> bool + 'static, job: impl FnOnce() -> T) -> T {
    struct Until;
    impl Drop for Until {
        fn drop(&mut self) {
            PATIENCE.set(None);
        }
    }
    PATIENCE.set(Some(Box::new(is_time)));
    let _until = Until;
    job()
}

fn is_time() -> bool {
    PATIENCE.with_borrow(|patience| patience.as_ref().is_none_or(|is_time| is_time()))
}

/// What a part of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ink {
    Comment,
    /// A string, and what is written like one.
    Quoted,
    /// A word of the language itself.
    Keyword,
}

/// The parts of a line that have an ink, in order.
type Inks = Vec<(Range<usize>, Ink)>;

/// Who knows languages.
trait Grammars {
    /// The language called `name` in a code fence (`rs`, `python`); `None` if nobody colours that.
    fn named(&self, name: &str) -> Option<String>;

    /// The language of the file at `path`.
    fn of_path(&self, path: &str) -> Option<String>;

    /// The inks of each line of `text`, as far as `steps` go.
    fn inks(&self, language: &str, text: &str, steps: u64) -> Vec<Inks>;
}

/// The language some code is in, if it is one that is coloured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Language(String);

impl Language {
    /// That of a code fence, by its info string: `rust`, `ts title=x`.
    pub(super) fn named(info: &str) -> Option<Self> {
        let name =
            info.split([' ', ',', '{', ':']).next().filter(|name| !name.is_empty() && name.len() < 40)?;
        quietly(|| engine::BUNDLED.named(name)).map(Self)
    }

    /// That of a file.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        let name = super::phrase::base_name(path);
        quietly(|| engine::BUNDLED.of_path(name)).map(Self)
    }
}

/// The lines of `text`, coloured where a language is known. Each is complete in itself.
pub(super) fn lines(language: Option<&Language>, text: &str) -> Vec<Html> {
    match language {
        Some(language) => drawn(&*engine::BUNDLED, language, text, |_| true),
        None => text.split('\n').map(Html::of).collect(),
    }
}

/// The lines of `text` with their comments muted and nothing else: beside lines that changed, more colour would
/// compete.
pub(super) fn muted(language: &Language, text: &str) -> Vec<Html> {
    drawn(&*engine::BUNDLED, language, text, |ink| ink == Ink::Comment)
}

fn drawn(
    grammars: &dyn Grammars,
    language: &Language,
    text: &str,
    wanted: impl Fn(Ink) -> bool,
) -> Vec<Html> {
    let inks = quietly(|| is_time().then(|| grammars.inks(&language.0, clip_bytes(text, BYTES), STEPS)));
    let mut inks = inks.unwrap_or_default().into_iter();
    text.split('\n').map(|line| self::line(line, &inks.next().unwrap_or_default(), &wanted)).collect()
}

/// A panic of the engine's costs the colours, not the page.
fn quietly<T>(job: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(job)).ok().flatten()
}

fn line(line: &str, inks: &Inks, wanted: impl Fn(Ink) -> bool) -> Html {
    let mut html = Html::new();
    let mut done = 0;
    for (range, ink) in inks.iter().filter(|(_, ink)| wanted(*ink)) {
        // What does not fit the line is no part of it.
        let (Some(before), Some(inked)) = (line.get(done..range.start), line.get(range.clone())) else {
            continue;
        };
        html.text(before);
        html.raw(match ink {
            Ink::Comment => "<span class=\"c\">",
            Ink::Quoted => "<span class=\"q\">",
            Ink::Keyword => "<span class=\"k\">",
        });
        html.text(inked).raw("</span>");
        done = range.end;
    }
    html.text(line.get(done..).unwrap_or_default());
    html
}

#[cfg(test)]
mod tests;
