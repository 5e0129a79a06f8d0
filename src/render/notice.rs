//! The small pages: one heading, one sentence, nothing of any session.
//!
//! They stand at any depth, also outside a share, where nothing else may be had: they refer to nothing.

use std::sync::OnceLock;

use askama::Template;

use super::html::Html;
use super::page::written;

/// The style of these pages. The policy of the server names it by its hash.
pub const NOTICE_STYLE: &str = include_str!("assets/notice.css");

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice {
    heading: &'static str,
    sentence: &'static str,
    /// Asks for the page again after two seconds.
    reload: bool,
    style: Html,
}

impl Notice {
    fn new(heading: &'static str, sentence: &'static str) -> Self {
        let mut style = Html::new();
        style.raw(NOTICE_STYLE);
        Self { heading, sentence, reload: false, style }
    }
}

/// The one page for every address that leads nowhere: mistyped, expired, revoked, never there.
pub fn not_found() -> &'static str {
    static PAGE: OnceLock<String> = OnceLock::new();
    PAGE.get_or_init(|| {
        written(&Notice::new("No session here", "The address may be mistyped, or the session was removed."))
    })
}

/// While a session is read for the first time; asks again by itself.
pub fn preparing() -> &'static str {
    static PAGE: OnceLock<String> = OnceLock::new();
    PAGE.get_or_init(|| {
        let notice = Notice::new("One moment", "This page is being prepared. It opens by itself.");
        written(&Notice { reload: true, ..notice })
    })
}

/// For a session whose file cannot be read any more.
pub fn unreadable() -> &'static str {
    static PAGE: OnceLock<String> = OnceLock::new();
    PAGE.get_or_init(|| {
        written(&Notice::new(
            "This session could not be read",
            "Ask whoever sent you the link to share it again.",
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_for_what_is_not_there_says_nothing_of_any_session() {
        insta::assert_snapshot!(not_found());
    }

    #[test]
    fn nothing_else_is_asked_for() {
        for page in [not_found(), preparing(), unreadable()] {
            assert!(!page.contains("src=") && page.matches("href=").count() == 1, "{page}");
            assert!(page.contains("href=\"data:,\"") && !NOTICE_STYLE.contains("url("), "{page}");
        }
    }

    #[test]
    fn only_the_page_being_prepared_asks_again() {
        assert!(preparing().contains("http-equiv=\"refresh\""));
        assert!(!not_found().contains("refresh") && !unreadable().contains("refresh"));
    }
}
