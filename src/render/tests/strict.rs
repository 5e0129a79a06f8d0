//! A strict reader of what this module writes: a page has only the elements and attributes of the list,
//! in quotes, and leads nowhere it should not.

/// Elements a page may have.
const ELEMENTS: &[&str] = &[
    "html",
    "head",
    "meta",
    "title",
    "link",
    "script",
    "body",
    "a",
    "div",
    "button",
    "svg",
    "path",
    "rect",
    "line",
    "text",
    "circle",
    "span",
    "bdi",
    "nav",
    "p",
    "ol",
    "ul",
    "li",
    "code",
    "pre",
    "fieldset",
    "legend",
    "kbd",
    "main",
    "header",
    "h1",
    "h2",
    "h3",
    "h4",
    "dl",
    "dt",
    "dd",
    "time",
    "section",
    "details",
    "summary",
    "figure",
    "img",
    "figcaption",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "ins",
    "del",
    "em",
    "strong",
    "s",
    "sup",
    "br",
    "hr",
    "blockquote",
    "small",
    "footer",
    "dialog",
    "form",
    "input",
    "mark",
];
/// Elements without an end.
const VOID: &[&str] = &["meta", "link", "img", "br", "hr", "input"];
/// Attributes they may carry.
const ATTRIBUTES: &[&str] = &[
    "lang",
    "charset",
    "name",
    "content",
    "http-equiv",
    "rel",
    "href",
    "src",
    "class",
    "id",
    "type",
    "value",
    "hidden",
    "popover",
    "popovertarget",
    "viewBox",
    "d",
    "cx",
    "cy",
    "r",
    "fill",
    "x",
    "y",
    "x1",
    "x2",
    "y1",
    "y2",
    "rx",
    "width",
    "height",
    "preserveAspectRatio",
    "title",
    "datetime",
    "tabindex",
    "open",
    "start",
    "alt",
    "loading",
    "method",
    "property",
    "download",
    "action",
    "placeholder",
    "autocomplete",
    "maxlength",
    "dir",
];

/// Panics, saying where, unless `html` is of the strict kind described above.
pub fn check(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html.strip_prefix("<!doctype html>").unwrap_or(html);
    while let Some(at) = rest.find('<') {
        let (text, tail) = rest.split_at(at);
        assert!(!text.contains('>'), "a bare > in text: {text:?}");
        text.chars()
            .for_each(|c| assert!(!c.is_control() || c == '\n' || c == '\t', "{c:?} in text: {text:?}"));
        if let Some(end) = tail.strip_prefix("</") {
            let (name, after) = end.split_once('>').expect("an end tag ends");
            assert_eq!(open.pop(), Some(name), "end tags match: …{}", &tail[..tail.len().min(200)]);
            rest = after;
            continue;
        }
        let (name, after, closed) = tag(&tail[1..]);
        assert!(ELEMENTS.contains(&name), "element <{name}>");
        if !closed && !VOID.contains(&name) {
            open.push(name);
        }
        rest = after;
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

/// Reads a start tag after its `<`: the name, what follows it, whether it closes itself.
fn tag(text: &str) -> (&str, &str, bool) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).expect("a name ends");
    let (name, mut rest) = text.split_at(end);
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix("/>") {
            verify(name, &attributes);
            return (name, after, true);
        }
        if let Some(after) = rest.strip_prefix('>') {
            verify(name, &attributes);
            return (name, after, false);
        }
        let end = rest.find(['=', ' ', '>']).expect("an attribute ends");
        let (key, tail) = rest.split_at(end);
        let (value, tail) = match tail.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').expect("a value ends"),
            None => {
                assert!(!tail.starts_with('='), "an unquoted value: {key}");
                ("", tail)
            }
        };
        assert!(!value.contains('<'), "< in the value of {key}: {value:?}");
        attributes.push((key, value));
        rest = tail;
    }
}

fn verify(element: &str, attributes: &[(&str, &str)]) {
    for (key, value) in attributes {
        let known = ATTRIBUTES.contains(key)
            || key.starts_with("data-")
            || key.starts_with("aria-")
            || *key == "role";
        assert!(known, "attribute {key} on <{element}>");
        if matches!(*key, "href" | "src") {
            address(element, attributes, value);
        }
    }
    if element == "script" {
        assert!(attributes.iter().any(|(key, _)| *key == "src"), "a script of its own");
    }
}

fn address(element: &str, attributes: &[(&str, &str)], value: &str) {
    let own = match value.split(['#', '?']).next().unwrap_or_default() {
        "" | "./" | "../" => true,
        path => {
            let path = path.strip_prefix("../").unwrap_or(path);
            path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.'))
                && !path.starts_with('/')
        }
    };
    if own {
        return;
    }
    assert_eq!(element, "a", "<{element}> loads {value}");
    let scheme = value.split(':').next().unwrap_or_default().to_ascii_lowercase();
    assert!(["http", "https", "mailto"].contains(&scheme.as_str()), "leads to {value}");
    let rel = attributes.iter().find(|(key, _)| *key == "rel").map(|(_, value)| *value);
    assert_eq!(rel, Some("nofollow noopener noreferrer"), "{value}");
}

#[test]
#[should_panic(expected = "attribute onclick")]
fn the_reader_sees_a_handler() {
    check("<p onclick=\"x\">a</p>");
}

#[test]
#[should_panic(expected = "leads to")]
fn the_reader_sees_a_javascript_address() {
    check("<a href=\"javascript:x\" rel=\"nofollow noopener noreferrer\">a</a>");
}

#[test]
#[should_panic(expected = "a script of its own")]
fn the_reader_sees_an_inline_script() {
    check("<script>x</script>");
}

#[test]
#[should_panic(expected = "element <iframe>")]
fn the_reader_sees_a_frame() {
    check("<iframe></iframe>");
}
