//! Short forms of text: one line of a paragraph, inline code, paths, commands, model names.

use super::html::Html;
use super::links;
use crate::session::model::subject;

/// Inline code up to this many characters does not break over lines.
const UNBROKEN: usize = 28;
/// Characters of a path's folder, and of its base name.
pub(super) const PATH: usize = 1_000;

/// Cuts at a character boundary, at most `max` characters.
pub(super) fn clip(text: &str, max: usize) -> &str {
    text.char_indices().nth(max).map_or(text, |(at, _)| text.get(..at).unwrap_or(text))
}

/// Cuts at a character boundary, at most `max` bytes.
pub(super) fn clip_bytes(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}

/// Cuts at the end of a word, at most `max` characters; `None` if nothing has to be cut.
pub(super) fn clip_words(text: &str, max: usize) -> Option<&str> {
    let cut = clip(text, max);
    if cut.len() == text.len() {
        return None;
    }
    // The cut may fall right behind a word; a first word longer than the whole room is cut inside.
    if text.get(cut.len()..).is_some_and(|rest| rest.starts_with(char::is_whitespace)) {
        return Some(cut.trim_end());
    }
    let at = cut.rfind(char::is_whitespace).filter(|&at| at * 3 > cut.len());
    Some(at.and_then(|at| cut.get(..at)).unwrap_or(cut).trim_end())
}

/// Prose in one line: white space runs become one space; Markdown's heading marks, fences and bold stars go, and where
/// links lead.
pub(super) fn one_line(text: &str, max: usize) -> String {
    let is_mark = |word: &str| {
        let fence = word.strip_prefix("```").is_some_and(|language| !language.contains('`'));
        fence || word.bytes().all(|b| b == b'#')
    };
    let words = text.split_whitespace().filter(|word| !is_mark(word));
    let line = unlinked(joined(words.map(|word| clip(word, max + 1).replace("**", "")), max));
    match clip_words(&line, max) {
        Some(cut) => cut_off(&line, cut),
        None => line,
    }
}

/// Words with `[words](address)` as the words; code stays as it is.
fn unlinked(line: String) -> String {
    if !line.contains("](") {
        return line;
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line.as_str();
    let mut in_code = false;
    while let Some((before, after)) = rest.split_once("](") {
        in_code ^= before.matches('`').count() % 2 == 1;
        let link = before.rsplit_once('[').zip(after.split_once(')')).filter(|((head, _), (address, _))| {
            !in_code && !head.ends_with(char::is_alphanumeric) && !address.contains([' ', '`'])
        });
        let (shown, further) = match link {
            Some(((head, words), (_, further))) => {
                out.push_str(head.strip_suffix('!').unwrap_or(head));
                (words, further)
            }
            None => {
                out.push_str(before);
                ("](", after)
            }
        };
        out.push_str(shown);
        rest = further;
    }
    out.push_str(rest);
    out
}

/// The beginning `cut` of a line, with an ellipsis. Code that it is cut in ends before that.
fn cut_off(line: &str, cut: &str) -> String {
    let rest = line.get(cut.len()..).unwrap_or_default();
    let in_code = cut.matches('`').count() % 2 == 1 && rest.contains('`');
    match cut.rsplit_once('`').filter(|_| in_code) {
        Some((before, "")) => format!("{}…", before.trim_end()),
        Some(_) => format!("{cut}`…"),
        None => format!("{cut}…"),
    }
}

/// What a prompt is about, in one line: of a long one its first words, and no comma or dash before the ellipsis.
/// Where the words before an address or a path are few, part of that is shown.
pub(super) fn headline(text: &str, max: usize) -> String {
    let line = one_line(subject(text), usize::MAX / 8);
    let Some(mut cut) = clip_words(&line, max) else { return line };
    let room = clip(&line, max);
    if cut.len() * 3 < room.len() * 2
        && let Some(at) = room.rfind('/').filter(|at| *at > cut.len())
    {
        cut = room.get(..=at).unwrap_or(cut);
    }
    cut_off(&line, cut.trim_end_matches([',', ';', ':', '-', '–', '—', '.', ' ', '…']))
}

/// What is no prose (a command, a pattern, a name) in one line: white space runs become one space.
pub(super) fn plain_line(text: &str, max: usize) -> String {
    let line = joined(text.split_whitespace().map(|word| clip(word, max + 1)), max);
    match clip_words(&line, max) {
        Some(cut) => format!("{cut}…"),
        None => line,
    }
}

/// Words with a space between; of more than `max` characters not many more.
fn joined(words: impl Iterator<Item = impl AsRef<str>>, max: usize) -> String {
    let mut out = String::new();
    for word in words {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word.as_ref());
        if out.len() > max * 4 {
            break;
        }
    }
    out
}

/// Text with `` `code` `` marked as code and everything else as it is.
pub(super) fn with_code(text: &str) -> Html {
    marked(text, |html, words| {
        html.text(words);
    })
}

/// The same, with bare addresses as links: not for what is inside a link or opens by a click.
pub(super) fn with_code_and_links(text: &str) -> Html {
    marked(text, links::words)
}

/// `words` writes what is no code.
fn marked(text: &str, words: impl Fn(&mut Html, &str)) -> Html {
    let mut html = Html::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, tail)) = after.split_once('`') else { break };
        if code.is_empty() || code.contains('\n') {
            // Not a span on one line: the first tick is shown, the second may open one.
            words(&mut html, before);
            html.text("`");
            rest = after;
            continue;
        }
        words(&mut html, before);
        code_span(&mut html, code);
        rest = tail;
    }
    words(&mut html, rest);
    html
}

/// Appends inline code.
pub(super) fn code_span(html: &mut Html, code: &str) {
    let short = code.chars().count() <= UNBROKEN;
    html.raw(if short { "<code class=\"w\">" } else { "<code>" }).text(code).raw("</code>");
}

/// A path in two inks: the folder muted, the base name in full.
pub(super) fn path(html: &mut Html, path: &str) {
    let (dir, base) = dir_and_base(path);
    if !dir.is_empty() {
        html.raw("<span class=\"dir\">").clip(dir, PATH).raw("</span>");
    }
    html.raw("<span class=\"base\">").clip(base, PATH).raw("</span>");
}

/// A path's folder, blank if there is none, and its base name.
pub(super) fn dir_and_base(path: &str) -> (&str, &str) {
    let path = path.trim();
    let at = path.trim_end_matches(['/', '\\']).rfind(['/', '\\']).map_or(0, |at| at + 1);
    path.split_at_checked(at).unwrap_or(("", path))
}

/// The last part of a path.
pub(super) fn base_name(path: &str) -> &str {
    let path = path.trim().trim_end_matches(['/', '\\']);
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The last part of a path and the folder it is in.
pub(super) fn base_and_folder(path: &str) -> String {
    let (dir, base) = dir_and_base(path);
    match base_name(dir) {
        "" => base.to_owned(),
        folder => format!("{folder}/{base}"),
    }
}

/// What a command is, in a word or two: `git diff`, `go test`, `ls`.
pub(super) fn command_name(command: &str) -> String {
    let parts = || command.split(['\n', ';']).flat_map(|line| line.split("&&"));
    let told = parts().find(|part| !prepares(part)).unwrap_or(command);
    let set = |word: &&str| {
        let assigns = word.contains('=') && !word.starts_with('-') && !word.contains("$(");
        assigns || *word == "sudo"
    };
    let mut words = told.split_whitespace().skip_while(set);
    let first = words.next().unwrap_or_default();
    // Of `x=$(mktemp)` the program is what is asked.
    let first = first.rsplit("$(").next().unwrap_or(first).trim_end_matches(')');
    let program = base_name(first);
    let plain = |w: &&str| w.len() <= 20 && w.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match words.next().filter(plain) {
        Some(word) => format!("{} {word}", clip(program, 40)),
        None => clip(program, 40).to_owned(),
    }
}

/// Whether a part of a command does nothing by itself: it goes somewhere, or sets something for what follows.
fn prepares(part: &str) -> bool {
    let program = part.split_whitespace().next().unwrap_or("#");
    matches!(program, "cd" | "pushd" | "export" | "set" | "source" | ".") || program.starts_with('#')
}

/// Host and path of a URL, without scheme and closing slash.
pub(super) fn host_and_path(url: &str) -> &str {
    let url = url.trim();
    url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/')
}

/// A model's id as its vendor says the name, where the pattern is known: `claude-opus-4-5-20251101` is
/// `Opus 4.5`; anything else stays as it is.
pub(super) fn model_name(id: &str) -> String {
    let Some(rest) = id.strip_prefix("claude-") else { return id.to_owned() };
    let mut family = None;
    let mut version = Vec::new();
    for part in rest.split('-') {
        if part.len() <= 2 && !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) {
            version.push(part);
        } else if matches!(part, "opus" | "sonnet" | "haiku" | "instant") && family.is_none() {
            family = Some(part);
        }
    }
    let Some(family) = family else { return id.to_owned() };
    let (first, tail) = family.split_at_checked(1).unwrap_or((family, ""));
    let name = format!("{}{tail} {}", first.to_ascii_uppercase(), version.join("."));
    name.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_cut_at_a_word() {
        assert_eq!(clip_words("need a little patch", 12), Some("need a"));
        assert_eq!(clip_words("short", 12), None);
        assert_eq!(clip_words("averyveryverylongword", 5), Some("avery"));
        assert_eq!(clip_words("ééééé", 2), Some("éé"));
    }

    #[test]
    fn a_headline_is_cut_where_it_can_be_read() {
        for (text, want) in [
            ("add a flag", "add a flag"),
            ("merge all the other ones. Then go on", "merge all the other ones…"),
            ("look at the long thing - then go on", "look at the long thing…"),
            ("an error in /home/me/work/devenv/cli/main.go", "an error in /home/me/work/…"),
            ("Implement the following plan:\n\n# Walk the chain", "Walk the chain"),
            ("now it takes `./entire help me` long", "now it takes `./entire`…"),
            ("whatever I shall call `x y` takes long", "whatever I shall call `x`…"),
            ("whatever I may call it ` yy` here", "whatever I may call it…"),
            ("a tick ` alone is no code, and stays", "a tick ` alone is no code…"),
        ] {
            assert_eq!(headline(text, 26), want);
        }
    }

    #[test]
    fn a_paragraph_becomes_one_line_without_markdown_marks() {
        assert_eq!(one_line("## **Plan**\n\n1. read\n2. write", 99), "Plan 1. read 2. write");
        assert_eq!(plain_line("ls **/*.rs\n# all", 99), "ls **/*.rs # all");
        assert_eq!(one_line("Say\n```text\nYou\n```\n```so```", 99), "Say You ```so```");
        assert_eq!(one_line("one two three four", 9), "one two…");
        for (text, want) in [
            ("made [a.rs](src/a.rs) and [`b`](https://b.example/(x)!", "made a.rs and `b`!"),
            ("![a picture](x.png) of it", "a picture of it"),
            ("call `f[0](x)` or g[1](y)", "call `f[0](x)` or g[1](y)"),
            ("[no link](with words) ](", "[no link](with words) ]("),
        ] {
            assert_eq!(one_line(text, 99), want);
        }
    }

    #[test]
    fn code_is_marked_only_between_two_ticks_on_one_line() {
        assert_eq!(with_code("run `go <x>` now").as_str(), "run <code class=\"w\">go &lt;x&gt;</code> now");
        assert_eq!(with_code("a ` b").as_str(), "a ` b");
        assert_eq!(with_code("``` x\n```").as_str(), "``` x\n```");
    }

    #[test]
    fn paths_show_folder_and_base_name() {
        let show = |p: &str| {
            let mut html = Html::new();
            path(&mut html, p);
            html.into_string()
        };
        assert_eq!(show("a/b.rs"), "<span class=\"dir\">a/</span><span class=\"base\">b.rs</span>");
        assert_eq!(show("b.rs"), "<span class=\"base\">b.rs</span>");
        assert_eq!(show("a/b/"), "<span class=\"dir\">a/</span><span class=\"base\">b/</span>");
        assert_eq!(base_name(r"C:\x\y.txt"), "y.txt");
        assert_eq!(["/a/b/c.rs", "/c.rs", "c.rs"].map(base_and_folder), ["b/c.rs", "c.rs", "c.rs"]);
    }

    #[test]
    fn commands_have_short_names() {
        for (command, want) in [
            ("git diff main", "git diff"),
            ("FOO=1 /usr/bin/make all", "make all"),
            ("ls -la", "ls -la"),
            ("cat x/y.txt", "cat"),
            ("cd x && cargo test -q", "cargo test"),
            ("# all of them\ncd 'my x'; export A=b\nsudo make all | tail", "make all"),
            ("cd x", "cd x"),
            ("DIR=$(mktemp -d) && ls", "mktemp"),
            ("", ""),
        ] {
            assert_eq!(command_name(command), want);
        }
    }

    #[test]
    fn models_are_named_as_their_vendor_does() {
        for (id, want) in [
            ("claude-opus-4-5-20251101", "Opus 4.5"),
            ("claude-3-5-sonnet-20241022", "Sonnet 3.5"),
            ("claude-sonnet-4-20250514", "Sonnet 4"),
            ("gpt-5-codex", "gpt-5-codex"),
            ("claude-next", "claude-next"),
        ] {
            assert_eq!(model_name(id), want);
        }
    }
}
