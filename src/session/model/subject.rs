//! What a prompt is about, in its first words: the title of a session nobody named, a line of an outline.

/// Characters of a line that only leads to what follows: `Implement the following plan:`.
const LEAD: usize = 40;
/// A first paragraph of fewer characters says too little by itself.
const SHORT: usize = 12;
/// What some tools write above the words a person typed, and above what they tell the agent where nothing was typed.
const TITLES: [&str; 2] = ["User Input", "Outline"];
/// What they say of it, in each of their prompts.
const OF_INPUT: &str = "You **MUST** consider the user input before proceeding (if not empty).";

/// The part of a prompt that says what it is about: its first paragraph or heading, without a line that only leads
/// to it, and without the marks of a terminal it was copied from.
pub fn subject(text: &str) -> &str {
    let mut rest = unmarked(text);
    while let Some(after) = after_lead(rest) {
        rest = unmarked(after);
    }
    let first = paragraph(rest);
    if first.chars().nth(SHORT - 1).is_none() { rest } else { first }
}

/// Without the sign of a terminal's prompt that was copied with what stood behind it. Not those that people type too.
pub fn without_sign(text: &str) -> &str {
    let text = text.trim_start();
    text.strip_prefix(['❯', '›'])
        .filter(|rest| rest.starts_with(char::is_whitespace))
        .map_or(text, str::trim_start)
}

/// Without what a terminal writes before a line.
fn unmarked(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(rest) = text.strip_prefix(['❯', '›', '│', '┃', '⎿', '⏺', '>', '$'])
        && rest.starts_with(char::is_whitespace)
    {
        text = rest.trim_start();
    }
    text
}

/// What follows a first line that says nothing by itself; `None` if it does, or nothing follows.
fn after_lead(text: &str) -> Option<&str> {
    let (line, rest) = text.split_once('\n')?;
    let line = line.trim();
    let words = line.trim_start_matches('#').trim_start();
    let leads = TITLES.contains(&words) && line.starts_with('#')
        || line == OF_INPUT
        || is_picture(line)
        || line.ends_with(':') && line.chars().nth(LEAD).is_none() && rest.starts_with(['\n', '\r']);
    // What was typed stands in a fence.
    let rest = if leads { unfenced(rest.trim_start()) } else { rest };
    (leads && rest.chars().any(char::is_alphanumeric)).then_some(rest)
}

/// Whether a line is the path of a picture and nothing else: what a terminal writes where one is dropped into it.
pub fn is_picture(line: &str) -> bool {
    let bare = line.trim_matches(['\'', '"']);
    let ends = [".png", ".jpg", ".jpeg", ".gif", ".webp", ".heic"];
    // What separates words in a path stands behind a backslash, unless the path is quoted.
    let one = line.len() > bare.len() || !bare.replace("\\ ", "").contains(char::is_whitespace);
    let tail = bare.get(bare.floor_char_boundary(bare.len().saturating_sub(5))..).unwrap_or_default();
    let tail = tail.to_ascii_lowercase();
    bare.starts_with(['/', '~']) && one && ends.iter().any(|end| tail.ends_with(end))
}

/// The text behind the fence it begins with, and behind that fence's end if nothing is in it.
fn unfenced(text: &str) -> &str {
    let Some((_, inside)) = text.split_once('\n').filter(|(line, _)| line.starts_with("```")) else {
        return text;
    };
    inside.trim_start().strip_prefix("```").unwrap_or(inside)
}

/// The first paragraph, or the heading it is. What stands in a fence ends with it.
fn paragraph(text: &str) -> &str {
    let heading = text.starts_with('#');
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        if end > 0 && (words.is_empty() || words.starts_with("```") || heading) {
            break;
        }
        end += line.len();
    }
    text.get(..end).unwrap_or(text).trim_end()
}

#[cfg(test)]
mod tests {
    use super::subject;

    #[test]
    fn a_prompt_is_about_its_first_paragraph() {
        for (text, want) in [
            ("add a flag", "add a flag"),
            ("do you know how to create a tool?\n\nYes! Tools are", "do you know how to create a tool?"),
            ("one line of it\nand another\n\nmore", "one line of it\nand another"),
            ("look at this:\n\nthe tests fail", "the tests fail"),
            ("Implement the following plan:\n\n# Walk the chain\n\n## Context\nIt", "# Walk the chain"),
            ("Implement the following plan:\n", "Implement the following plan:"),
            ("hi\n\ncan you fix the build", "hi\n\ncan you fix the build"),
            ("❯ This branch is a PR", "This branch is a PR"),
            ("│ > copied from a box", "copied from a box"),
            ("$HOME is not set", "$HOME is not set"),
            ("## User Input\n\n```text\nCreate a spec\n```\n\nYou MUST", "Create a spec"),
            ("## User Input\n\n```text\n\n```\n\nYou **MUST** consider\n\nit", "You **MUST** consider"),
            (
                "## User Input\n\n```text\n\n```\n\nYou **MUST** consider the user input before proceeding (if not \
                 empty).\n\n## Outline\n\n1. **Setup**: Run `plan.sh`\n\n2. **Load**",
                "1. **Setup**: Run `plan.sh`",
            ),
            ("'/var/T/Screenshot 2025.png'\n\nwhy do the colours differ?", "why do the colours differ?"),
            ("/tmp/a\\ b.PNG\nand this?\n", "and this?"),
            ("/tmp/a.png is blank\n\nwhy?", "/tmp/a.png is blank"),
            ("'/tmp/a.png'", "'/tmp/a.png'"),
            ("User Input\nis broken", "User Input\nis broken"),
            ("a list of things to do:\n- one", "a list of things to do:\n- one"),
            ("see:\n\n---", "see:\n\n---"),
            ("", ""),
            ("\n\n", ""),
        ] {
            assert_eq!(subject(text), want, "{text:?}");
        }
    }
}
