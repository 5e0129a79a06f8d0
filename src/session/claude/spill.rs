//! Output that was too large for a record, and was put into a file beside the session.

use std::io::Read as _;

use crate::session::agent::Desk;

/// Bytes read of output in a file of its own.
const LARGE: u64 = 16 << 20;

/// Output that was put into a file, from that file where it is at hand; else what the agent saw of it: its
/// size and its start. The path is one of the author's machine.
pub(super) fn whole(text: String, desk: &Desk<'_>) -> String {
    spilled(&text).and_then(|name| large(name, desk)).unwrap_or_else(|| preview(text))
}

/// The base name of the file that this output was put into.
fn spilled(text: &str) -> Option<&str> {
    let (_, path) = text.trim().strip_prefix("<persisted-output>")?.split_once("Full output saved to: ")?;
    path.lines().next()?.trim().rsplit(['/', '\\']).next()
}

/// What a file of output beside the session holds; of a monstrous one, its start.
fn large(name: &str, desk: &Desk<'_>) -> Option<String> {
    let mut bytes = Vec::new();
    desk.source.beside()?.output(name)?.take(LARGE).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn preview(text: String) -> String {
    let Some(inner) = text.trim().strip_prefix("<persisted-output>") else { return text };
    let inner = inner.strip_suffix("</persisted-output>").unwrap_or(inner).trim();
    match inner.split_once("\n\n") {
        Some((head, start)) => {
            let head = head.split(" Full output saved to:").next().unwrap_or_default();
            format!("{head}\n\n{start}")
        }
        None => inner.split(" Full output saved to:").next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persisted_output_keeps_its_preview_and_loses_the_path() {
        let text = "<persisted-output>\nOutput too large (100.5KB). Full output saved to: /home/me/x.txt\n\n\
                    Preview (first 2KB):\nline 1\n</persisted-output>";
        assert_eq!(preview(text.into()), "Output too large (100.5KB).\n\nPreview (first 2KB):\nline 1");
        assert_eq!(preview("plain".into()), "plain");
    }
}
