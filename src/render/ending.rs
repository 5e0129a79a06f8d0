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

/// In one line, the marks of a list would read as dashes.
fn without_bullets(text: &str) -> String {
    let bare = |line: &str| {
        let line = line.trim_start();
        let entry = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "));
        entry.map_or_else(|| line.to_owned(), |entry| format!("· {entry}"))
    };
    text.lines().map(bare).collect::<Vec<_>>().join("\n")
}

fn said(ending: &Ending) -> Html {
    match ending {
        Ending::Reply(text) => phrase::with_code(&phrase::one_line(&without_bullets(text.as_str()), WORDS)),
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
