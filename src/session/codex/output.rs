//! What tools give back: plain text with a head, JSON in a string, or an object or list as it is.

use std::borrow::Cow;
use std::time::Duration;

use crate::session::dialect::{Returned, pictures, result_text, wall_time};
use crate::session::json::{self, Obj};

/// What the output of a call says.
pub(super) fn returned<'a>(item: &Obj<'a>) -> Returned<'a> {
    let mut returned = Returned { of: item.text("call_id"), ..Returned::default() };
    let Some(output) = item.raw("output") else { return returned };
    if let Some(text) = json::text(output) {
        plain(text, &mut returned);
    } else if let Some(object) = Obj::of(output) {
        let content = object.raw("content").or_else(|| object.raw("output"));
        plain(result_text(content), &mut returned);
        returned.failed |= object.raw("success").is_some_and(|success| success.get() == "false");
        measured(&object, &mut returned);
    } else {
        returned.images = pictures(output);
        plain(result_text(Some(output)), &mut returned);
    }
    let text = returned.text.trim_start();
    returned.declined =
        text.starts_with("exec command rejected by user") || text.starts_with("patch rejected by user");
    returned.failed |= ["execution error:", "failed in sandbox:", "apply_patch verification failed"]
        .iter()
        .any(|start| text.starts_with(start));
    returned
}

/// A text: JSON with `output` and `metadata`, or with a head before it, or as it is.
fn plain<'a>(text: Cow<'a, str>, returned: &mut Returned<'a>) {
    if text.starts_with("{\"") && text.contains("\"output\"") {
        let inner = Obj::parse(&text).and_then(|object| {
            measured(&object, returned);
            object.text("output").map(Cow::into_owned)
        });
        if let Some(inner) = inner {
            returned.text = Cow::Owned(inner);
            return;
        }
    }
    let Some(head) = Head::of(&text) else {
        returned.text = text;
        return;
    };
    returned.exit = returned.exit.or(head.exit);
    returned.took = returned.took.or(head.took);
    let at = head.len;
    returned.text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(at..).unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.get(at..).unwrap_or_default().to_owned()),
    };
}

fn measured(object: &Obj<'_>, returned: &mut Returned<'_>) {
    let metadata = object.obj("metadata").unwrap_or_default();
    let exit = metadata.raw("exit_code").and_then(|code| code.get().parse().ok());
    returned.exit = returned.exit.or(exit);
    let took = metadata.raw("duration_seconds").and_then(|took| wall_time(took.get()));
    returned.took = returned.took.or(took);
}

/// The lines before the output of a command.
#[derive(Debug, Default, PartialEq)]
struct Head {
    exit: Option<i32>,
    took: Option<Duration>,
    /// Bytes of it.
    len: usize,
}

impl Head {
    /// `Exit code: 0`, `Wall time: 0.4 seconds`, `Output:` and the like, in lines of their own.
    fn of(text: &str) -> Option<Self> {
        let mut head = Self::default();
        for line in text.split_inclusive('\n').take(8) {
            head.len += line.len();
            let line = line.trim_end();
            let after = |start: &str| line.strip_prefix(start);
            if line == "Output:" {
                return Some(head);
            } else if let Some(code) = after("Exit code: ").or(after("Process exited with code ")) {
                head.exit = code.trim().parse().ok();
            } else if let Some(time) = after("Wall time: ") {
                head.took = wall_time(time);
            } else if ![
                "Chunk ID: ",
                "Process running with session ID ",
                "Original token count: ",
                "Total output lines: ",
            ]
            .iter()
            .any(|known| line.starts_with(known))
                && !line.is_empty()
            {
                return None;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(output: &str) -> (String, Option<i32>, Option<u64>, bool, bool) {
        let json = format!("{{\"call_id\":\"c\",\"output\":{output}}}");
        let item = Obj::parse(&json).unwrap();
        let r = returned(&item);
        let took = r.took.map(|took| took.as_millis() as u64);
        (r.text.into_owned(), r.exit, took, r.failed, r.declined)
    }

    #[test]
    fn outputs_are_read_in_all_their_shapes() {
        let text = serde_json::json!("Exit code: 2\nWall time: 0.4 seconds\nOutput:\nls: no\n").to_string();
        assert_eq!(read(&text), ("ls: no\n".into(), Some(2), Some(400), false, false));
        let inner =
            serde_json::json!({"output": "hi\n", "metadata": {"exit_code": 0, "duration_seconds": 1.5}});
        let text = serde_json::json!(inner.to_string()).to_string();
        assert_eq!(read(&text), ("hi\n".into(), Some(0), Some(1500), false, false));
        assert_eq!(read(&inner.to_string()), ("hi\n".into(), Some(0), Some(1500), false, false));
        let list = r#"[{"type":"input_text","text":"one"},{"type":"input_text","text":"two"}]"#;
        assert_eq!(read(list), ("one\ntwo".into(), None, None, false, false));
        assert_eq!(read(r#"{"content":"no","success":false}"#), ("no".into(), None, None, true, false));
        let exec = serde_json::json!(
            "Chunk ID: 5a\nWall time: 0.05 seconds\nProcess exited with code 1\nOriginal token count: 2\nOutput:\nx"
        );
        assert_eq!(read(&exec.to_string()), ("x".into(), Some(1), Some(50), false, false));
        assert_eq!(read("\"Plan updated\""), ("Plan updated".into(), None, None, false, false));
        assert!(read("\"exec command rejected by user\"").4);
    }

    #[test]
    fn a_text_that_only_begins_like_a_head_stays_whole() {
        assert_eq!(Head::of("Exit code: 0\nand then some prose\nOutput:\nx"), None);
        assert_eq!(Head::of("Wall time: 3 seconds"), None);
    }
}
