//! What of a session is its owner's alone: the one place that decides what is left out, and what of that may be
//! asked for.
//!
//! Agents write down much that nobody said and nobody did: instructions, what hooks printed, whose account it
//! is. Their parsers name it by its kind ([`Private`]); nothing of any kind is shown by default. What is never to
//! be shown (ids of accounts, signatures, encrypted content, limits, telemetry) has no kind: no parser takes it out
//! of a record, and of records that are not understood its keys are left out ([`is_private_key`]).

use std::borrow::Cow;

use super::json::{self, Obj, RawValue};

/// What is shown of a session beside what was said and done in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Include {
    /// What the agent was told besides the person's words, where it is harmless.
    pub context: bool,
}

impl Include {
    /// The word that includes context.
    pub const CONTEXT: &str = "context";

    /// What these words include. A word nobody knows includes nothing.
    pub fn of<S: AsRef<str>>(words: &[S]) -> Self {
        Self { context: words.iter().any(|word| word.as_ref() == Self::CONTEXT) }
    }
}

/// What private content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Private {
    /// System prompts, and rules from files like AGENTS.md.
    Instructions,
    /// The text of a skill or a command, put in where it was called; caveats.
    Injected,
    /// Reminders to the agent, lists of tasks among them.
    Reminder,
    /// What the person's hooks printed.
    Hook,
    /// Working folder, system, date.
    Environment,
    /// What was open in the editor.
    Editor,
    /// Names of the person's connectors, tools and agents.
    Connectors,
}

impl Private {
    /// Whether it may be shown to whom `include` speaks for.
    pub(crate) fn is_shown(self, include: Include) -> bool {
        include.context && self.is_harmless()
    }

    /// Whether a person may want to show it, and nobody is harmed.
    fn is_harmless(self) -> bool {
        match self {
            Self::Instructions
            | Self::Injected
            | Self::Reminder
            | Self::Hook
            | Self::Environment
            | Self::Editor => true,
            // Whom the person is connected with is nobody's business, and no help to a reader.
            Self::Connectors => false,
        }
    }

    /// What it is called on the page.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Injected => "added text",
            Self::Reminder => "reminder",
            Self::Hook => "hook",
            Self::Environment => "environment",
            Self::Editor => "editor",
            Self::Connectors => "connectors",
        }
    }
}

/// Keys never shown of a record that is not understood, whatever is asked for: ids, the envelope, and what is
/// private whoever writes it.
pub(crate) fn is_private_key(key: &str) -> bool {
    const KEYS: &[&str] = &[
        "type",
        "id",
        "timestamp",
        "time",
        "version",
        "cwd",
        "env",
        "environment",
        "system",
        "tools",
        "headers",
        "rendered",
        "fingerprint",
    ];
    const WORDS: &[&str] = &[
        "uuid",
        "encrypted",
        "signature",
        "opaque",
        "systemprompt",
        "system_prompt",
        "prompt_snapshot",
        "instructions",
        "token",
        "secret",
        "password",
        "credential",
        "account",
        "organization",
        "rate_limit",
        "ratelimit",
        "telemetry",
        "classifier",
        "fingerprint",
    ];
    let low = key.to_ascii_lowercase();
    let ids = ["Id", "_id", "ID", "Ids", "_ids", "IDs"].iter().any(|end| key.ends_with(end));
    ids || KEYS.contains(&low.as_str()) || WORDS.iter().any(|word| low.contains(word))
}

/// How deep a value is written down.
const DEPTH: usize = 4;

/// A value of which nobody knows what is in it, without what is private: a string as it is, anything else much like
/// JSON. What is beyond `enough` bytes may be left out.
pub(crate) fn visible(value: RawValue<'_>, enough: usize, is_private: &dyn Fn(&str) -> bool) -> String {
    let mut out = String::new();
    write(value, (DEPTH, enough), is_private, &mut out);
    out
}

fn write(
    value: RawValue<'_>,
    (depth, enough): (usize, usize),
    is_private: &dyn Fn(&str) -> bool,
    out: &mut String,
) {
    let first = value.get().as_bytes().first();
    let holds = matches!(first, Some(b'{' | b'['));
    if out.len() > enough || (holds && depth == 0) {
        return out.push('…');
    }
    if !holds {
        return out.push_str(&json::text(value).unwrap_or(Cow::Borrowed(value.get())));
    }
    let inner = (depth - 1, enough);
    let mut comma = "";
    if first == Some(&b'{') {
        out.push('{');
        for (key, value) in
            Obj::of(value).unwrap_or_default().0.into_iter().filter(|(key, _)| !is_private(key))
        {
            out.push_str(&format!("{comma}{key}: "));
            write(value, inner, is_private, out);
            comma = ", ";
            if out.len() > enough {
                break;
            }
        }
        return out.push('}');
    }
    out.push('[');
    for element in json::list(value) {
        out.push_str(comma);
        write(element, inner, is_private, out);
        comma = ", ";
        if out.len() > enough {
            break;
        }
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_private_is_shown_unless_it_is_asked_for_and_harmless() {
        let asked = Include::of(&["context"]);
        for (private, harmless) in [
            (Private::Instructions, true),
            (Private::Injected, true),
            (Private::Reminder, true),
            (Private::Hook, true),
            (Private::Environment, true),
            (Private::Editor, true),
            (Private::Connectors, false),
        ] {
            assert!(!private.is_shown(Include::default()), "{private:?} by default");
            assert_eq!(private.is_shown(asked), harmless, "{private:?} when asked for");
        }
    }

    #[test]
    fn a_word_nobody_knows_includes_nothing() {
        assert_eq!(Include::of(&["secrets", "Context", ""]), Include::default());
        assert_eq!(Include::of::<&str>(&[]), Include::default());
        assert!(Include::of(&["later", "context"]).context);
    }

    #[test]
    fn keys_of_accounts_tokens_and_seals_are_private() {
        for key in [
            "ownerAccountUuid",
            "sessionId",
            "session_id",
            "requestIds",
            "access_token",
            "encrypted_content",
            "thinkingSignature",
            "rate_limits",
            "rateLimits",
            "organizationUuid",
            "apiSecret",
            "model_fingerprint",
            "Headers",
        ] {
            assert!(is_private_key(key), "{key}");
        }
        for key in ["note", "text", "name", "status", "identity", "grid"] {
            assert!(!is_private_key(key), "{key}");
        }
    }
}
