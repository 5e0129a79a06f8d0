//! Who speaks where a user is named: the person, or the agent in their place.

use std::borrow::Cow;

use crate::session::private::Private;

/// What a text in the user's name is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Voice<'a> {
    /// The person's words.
    Words(Cow<'a, str>),
    /// A shell command of the person's own, and what it printed.
    Own(String, String),
    /// The person stopped the agent.
    Interrupted,
    /// Instructions and context for the model.
    Context(Private, Cow<'a, str>),
    /// A tag around a picture.
    Nothing,
}

/// How an editor's extension begins a prompt: open files and the like come first, then this heading.
const IDE: &str = "# Context from my IDE setup:";
const REQUEST: &str = "## My request for Codex:";

/// How instructions begin that are put before the conversation.
const STARTS: &[(&str, Private)] = &[
    ("# AGENTS.md instructions", Private::Instructions),
    ("<environment_context>", Private::Environment),
    ("<user_instructions>", Private::Instructions),
    ("<INSTRUCTIONS>", Private::Instructions),
    ("<skill>\n<name>", Private::Injected),
];

/// Whose words `text` is.
pub(super) fn voice(text: Cow<'_, str>) -> Voice<'_> {
    let start = text.trim_start();
    if start.starts_with("<turn_aborted>") {
        return Voice::Interrupted;
    }
    if let Some(command) = element(start, "user_shell_command") {
        let part = |tag| element(command, tag).unwrap_or_default().trim().to_owned();
        return Voice::Own(format!("!{}", part("command")), part("result"));
    }
    if is_tag_of_image(start) {
        return Voice::Nothing;
    }
    if let Some((_, what)) = STARTS.iter().find(|(known, _)| start.starts_with(known)) {
        return Voice::Context(*what, text);
    }
    if is_machine(start) {
        return Voice::Context(Private::Instructions, text);
    }
    if start.starts_with(IDE)
        && let Some((_, request)) = start.split_once(REQUEST)
    {
        return Voice::Words(Cow::Owned(request.trim().to_owned()));
    }
    Voice::Words(text)
}

/// The name of the element that `text` begins with, and what follows its tag.
fn tag(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('<')?.split_once('>')
}

/// Whether `text` is a tag that stands before or behind a picture.
fn is_tag_of_image(text: &str) -> bool {
    tag(text).is_some_and(|(name, rest)| {
        let image = matches!(name, "image" | "/image") || name.starts_with("image name=");
        image && rest.trim().is_empty()
    })
}

/// Whether `text` is one element from start to end whose name no person types: with an underscore or a
/// blank in it (`<skills_instructions>`, `<permissions instructions>`).
fn is_machine(text: &str) -> bool {
    let Some((name, rest)) = tag(text) else { return false };
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ' | '-'));
    plain && name.contains(['_', ' ']) && rest.trim_end().ends_with(&format!("</{name}>"))
}

/// The content of the element `tag`, if `text` holds it.
fn element<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let rest = text.split_once(&format!("<{tag}>"))?.1;
    Some(rest.split_once(&format!("</{tag}>"))?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agents_words_in_the_persons_place_are_told_from_theirs() {
        let words = |text: &'static str| Voice::Words(Cow::Borrowed(text));
        let context = |what, text: &'static str| (text, Voice::Context(what, Cow::Borrowed(text)));
        let cases = [
            ("fix the test", words("fix the test")),
            ("<b>bold</b> is html", words("<b>bold</b> is html")),
            ("<my_tag> is what I typed", words("<my_tag> is what I typed")),
            context(
                Private::Instructions,
                "# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>a</INSTRUCTIONS>",
            ),
            context(Private::Environment, "<environment_context>\n  <cwd>/x</cwd>\n</environment_context>"),
            context(Private::Instructions, "<permissions instructions>no</permissions instructions>"),
            context(Private::Instructions, "<skills_instructions>\nx\n</skills_instructions>\n"),
            context(Private::Injected, "<skill>\n<name>tides</name>\n<path>/x</path>\nx\n</skill>"),
            ("<turn_aborted>\nThe user interrupted\n</turn_aborted>", Voice::Interrupted),
            ("<image name=[Image #1]>", Voice::Nothing),
            ("</image>", Voice::Nothing),
            (
                "<user_shell_command>\n<command>\nls\n</command>\n<result>\na\n</result>\n</user_shell_command>",
                Voice::Own("!ls".into(), "a".into()),
            ),
            (
                "# Context from my IDE setup:\n\n## Open tabs:\n- a.rs\n\n## My request for Codex:\nfix it\n",
                Voice::Words("fix it".into()),
            ),
        ];
        for (text, wanted) in cases {
            assert_eq!(voice(Cow::Borrowed(text)), wanted, "{text}");
        }
    }
}
