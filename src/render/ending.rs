//! "How it ended" in the head: the last words, or what stands in their place, with a way to them.

use super::html::Html;
use super::phrase;
use super::scene::Scene;
use crate::session::model::{Ending, Overview, WindowNo};

/// The id of what the session ended with.
pub(super) const ID: &str = "end";
/// Characters of the last words: three lines.
const WORDS: usize = 280;

/// Appends the section; nothing where the whole session is one answer.
pub(super) fn section(html: &mut Html, scene: &Scene, overview: &Overview) {
    let Some(ending) = &overview.ending else { return };
    let prompts = overview.outline.iter().filter(|entry| entry.no > 0).count();
    if prompts < 2 && overview.steps == 0 {
        return;
    }
    html.raw("<section class=\"ending\" aria-labelledby=\"he\"><h2 id=\"he\">");
    html.raw(if scene.live { "How it stands" } else { "How it ended" }).raw("</h2><p><a href=\"");
    let last = overview.windows.saturating_sub(1);
    html.html(&target(scene, overview, ending, last))
        .raw("\">")
        .html(&said(ending))
        .raw("</a></p></section>\n");
}

/// The way to what the session ended with. While it goes on that moves: the way is to the last prompt then.
fn target(scene: &Scene, overview: &Overview, ending: &Ending, last: WindowNo) -> Html {
    let prompt = overview.outline.last().filter(|entry| entry.no > 0);
    match (ending, prompt) {
        (Ending::Declined(no) | Ending::BrokeOff(Some(no)), _) => scene.target(last, &format!("s{no}")),
        (Ending::Reply(_) | Ending::Interrupted | Ending::ApiError(_), _) if !scene.live => {
            scene.target(last, ID)
        }
        (_, Some(prompt)) => scene.target(prompt.window, &format!("p{}", prompt.no)),
        (_, None) => scene.window(last),
    }
}

/// The sentences of a text for one line: headings, code and the rows of tables are left out, and the marks of a list,
/// which would read as dashes, are dots. A text that is nothing else is taken as it is.
fn sentences(text: &str) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut fenced = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("```") {
            fenced = !fenced;
            leads_nowhere(&mut said);
        } else if line.starts_with('|') {
            leads_nowhere(&mut said);
        } else if !(fenced || is_heading(line) || line == "---") {
            let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
            let entry = line
                .strip_prefix("- ")
                .or_else(|| line.strip_prefix("* "))
                .or_else(|| number.strip_prefix(". ").filter(|_| number.len() < line.len()));
            said.push(entry.map_or_else(|| line.to_owned(), |entry| format!("· {entry}")));
        }
    }
    leads_nowhere(&mut said);
    let said = said.join("\n");
    if said.trim().is_empty() { text.to_owned() } else { said }
}

/// What the last of these lines leads to with a colon is left out: it ends in dots.
fn leads_nowhere(said: &mut [String]) {
    if let Some(line) = said.iter_mut().rfind(|line| !line.is_empty())
        && let Some(lead) = line.strip_suffix(':')
    {
        *line = format!("{lead}…");
    }
}

/// They in one line: no dot before the first entry of a list, which parts it from nothing, nor one or a comma before
/// what was cut off.
fn last_words(text: &str) -> String {
    let line = phrase::one_line(&sentences(text), WORDS);
    let line = line.strip_prefix("· ").unwrap_or(&line);
    match line.strip_suffix('…') {
        Some(cut) => format!("{}…", cut.trim_end_matches([' ', '·', ',', ';', ':', '–', '—'])),
        None => line.to_owned(),
    }
}

/// Whether a line heads what follows: as Markdown has it, or in bold from end to end.
fn is_heading(line: &str) -> bool {
    let bold = || line.trim_end_matches(':').strip_prefix("**").and_then(|rest| rest.strip_suffix("**"));
    line.starts_with('#') || bold().is_some_and(|words| !words.contains("**"))
}

fn said(ending: &Ending) -> Html {
    match ending {
        Ending::Reply(text) => phrase::with_code(&last_words(text.as_str())),
        Ending::Interrupted => Html::of("The agent was interrupted."),
        Ending::ApiError(text) => {
            let mut html = Html::of("The model did not answer: ");
            html.text(&phrase::plain_line(text.as_str(), WORDS));
            html
        }
        Ending::Declined(no) => Html::of(&format!("Step {no} was declined.")),
        Ending::BrokeOff(Some(no)) => Html::of(&format!("Without a closing reply, at step {no}.")),
        Ending::BrokeOff(None) => Html::of("Without a closing reply."),
        Ending::Unanswered => Html::of("The last prompt has no answer."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_sentences_without_headings_code_and_tables() {
        let line = last_words;
        let text = "Done.\n\n## Changes\n\n**Files:**\n1. one\n2. `two`\n- three\n\n```json\n{ \"a\": 1 }\n```\n\n\
            | a | b |\n|---|---|\n\n---\nIt **works**: 3. times";
        assert_eq!(line(text), "Done. · one · `two` · three It works: 3. times");
        assert_eq!(line("Done. It says:\n\n```\nok\n```\n"), "Done. It says…");
        assert_eq!(line("It says:\n\n```\nok\n```\nThis:\n| a |\n\nDone."), "It says… This… Done.");
        assert_eq!(line("Two:\n- one\n- two"), "Two: · one · two");
        assert_eq!(line("```\nls\n```"), "ls");
        assert_eq!(line("# All done"), "All done");
        assert_eq!(line("- one\n- two"), "one · two");
        let long = format!("{} files:\n- {}", "a".repeat(270), "b".repeat(20));
        assert_eq!(line(&long), format!("{} files…", "a".repeat(270)));
    }
}
