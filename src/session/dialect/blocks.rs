//! Content as most agents write it: a string, or a list of blocks that name their type.

use std::borrow::Cow;

use super::said::{Block, Call, Returned, Said, Words};
use crate::session::json::{self, Obj, RawValue};
use crate::session::model::AsideHow;
use crate::session::private::Private;
use crate::session::words::{joined, words as words_of};

/// Whose content it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    Person,
    Agent,
}

/// Adds what `content` says to `said`. `words` makes a person's words of a text; `Err` says what it is that is
/// not theirs.
pub(crate) fn content<'a>(
    content: RawValue<'a>,
    speaker: Speaker,
    said: &mut Said<'a>,
    words: impl Fn(Cow<'a, str>) -> Result<Cow<'a, str>, (Private, Cow<'a, str>)>,
) {
    let mut texts = Vec::new();
    let mut images = Vec::new();
    let agent = speaker == Speaker::Agent;
    let mut say = |text: Cow<'a, str>, said: &mut Said<'a>| match agent {
        true => said.reply(text),
        false => match words(text) {
            Ok(text) => texts.extend(Some(text).filter(|text| !text.trim().is_empty())),
            Err((what, text)) => said.context(what, text),
        },
    };
    let mut answers = false;
    for part in json::parts(content) {
        let Some(block) = Obj::of(part) else {
            say(words_of(part), said);
            continue;
        };
        let kind = block.text("type").unwrap_or_default();
        match kind.as_ref() {
            "text" | "input_text" | "output_text" => say(block.words("text"), said),
            "thinking" => said.thought(block.words("thinking")),
            "redacted_thinking" | "cache_control" => {}
            "tool_use" | "toolCall" => said.blocks.push(Block::Call(Box::new(call(&block)))),
            "tool_result" => {
                answers = true;
                said.blocks.push(Block::Result(Box::new(result(&block))));
            }
            "image" | "input_image" | "output_image" | "image_url" | "document" => match picture(&block) {
                Some(image) if agent => said.blocks.push(Block::Image(image)),
                Some(image) => images.push(image),
                // One that lies elsewhere.
                None => said.blocks.push(Block::Unknown(format!("block {kind}"), block)),
            },
            _ => said.blocks.push(Block::Unknown(format!("block {kind}"), block)),
        }
    }
    if agent {
        return;
    }
    let words = Words { text: joined(texts, "\n\n"), images };
    if words.is_empty() {
        return;
    }
    // What stands beside results was said while the agent worked.
    said.blocks.push(match answers {
        true => Block::Aside(AsideHow::Queued, words),
        false => Block::Prompt(words),
    });
}

fn call<'a>(block: &Obj<'a>) -> Call<'a> {
    let input = block.raw("input").or_else(|| block.raw("arguments"));
    Call {
        id: block.text("id"),
        name: block.text("name").unwrap_or_default(),
        input: Cow::Borrowed(input.map_or("", RawValue::get)),
        result: None,
    }
}

fn result<'a>(block: &Obj<'a>) -> Returned<'a> {
    let content = block.raw("content");
    Returned {
        of: block.text("tool_use_id"),
        text: result_text(content),
        failed: block.flag("is_error"),
        images: content.map(pictures).unwrap_or_default(),
        ..Returned::default()
    }
}

/// The text of a result's content.
pub(crate) fn result_text(content: Option<RawValue<'_>>) -> Cow<'_, str> {
    content.map(words_of).unwrap_or_default()
}

/// A message of a role that nobody knows: what it says, as an unknown block.
pub(crate) fn said_by<'a>(role: &str, content: Option<RawValue<'a>>) -> Block<'a> {
    let text = |part| Obj::of(part).and_then(|block| block.raw("text")).unwrap_or(part);
    let texts = content.map(json::parts).unwrap_or_default().into_iter().map(text);
    let fields = texts.map(|text| (Cow::Borrowed("text"), text)).collect();
    Block::Unknown(format!("message of {role}"), Obj(fields))
}

/// The encoded images in a list of blocks.
pub(crate) fn pictures(content: RawValue<'_>) -> Vec<Cow<'_, str>> {
    json::list(content).into_iter().filter_map(Obj::of).filter_map(|block| picture(&block)).collect()
}

/// The base64 of an image, in any of the ways it is written: a field, a source, a `data:` URL.
pub(crate) fn picture<'a>(block: &Obj<'a>) -> Option<Cow<'a, str>> {
    let own = || block.text("data").filter(|_| block.raw("mimeType").is_some());
    let source = || block.obj("source")?.text("data");
    let inline = || block.obj("inlineData")?.text("data");
    let url = || {
        let url = block.text("image_url").or_else(|| block.obj("image_url")?.text("url"));
        url.or_else(|| block.text("url")).and_then(data_of)
    };
    own().or_else(source).or_else(inline).or_else(url)
}

/// The base64 in `data:image/png;base64,…`.
fn data_of(url: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let (head, _) = url.split_once(',')?;
    let at = head.len() + 1;
    if !head.starts_with("data:") || !head.ends_with(";base64") {
        return None;
    }
    Some(match url {
        Cow::Borrowed(url) => Cow::Borrowed(url.get(at..)?),
        Cow::Owned(url) => Cow::Owned(url.get(at..)?.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_however_they_are_written() {
        let content = r#"[{"type":"image","source":{"type":"base64","data":"AAAA"}},
            {"type":"image","data":"BBBB","mimeType":"image/png"},{"inlineData":{"data":"CCCC"}},
            {"type":"input_image","image_url":"data:image/png;base64,DDDD"},
            {"type":"input_image","image_url":{"url":"data:image/png;base64,EEEE"}},
            {"type":"input_image","image_url":"https://example.com/x.png"},{"type":"text","text":"x"}]"#;
        let raw = RawValue::of(content).unwrap();
        assert_eq!(pictures(raw), ["AAAA", "BBBB", "CCCC", "DDDD", "EEEE"]);
    }

    #[test]
    fn what_is_said_beside_a_result_is_an_aside() {
        let content =
            r#"[{"type":"tool_result","tool_use_id":"c","content":"ok"},{"type":"text","text":"go on"}]"#;
        let raw = RawValue::of(content).unwrap();
        let mut said = Said::default();
        super::content(raw, Speaker::Person, &mut said, Ok);
        assert!(
            matches!(&said.blocks[..], [Block::Result(_), Block::Aside(_, words)] if words.text == "go on")
        );
    }
}
