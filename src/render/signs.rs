//! The few signs of the page, as inline SVG with a word for who cannot see them.

/// A green tick: a command that succeeded.
pub(super) const OK: &str = r#"<svg class="m ok" viewBox="0 0 12 12" role="img" aria-label="succeeded"><path d="M2 6.5 4.8 9.2 10 3"/></svg>"#;
/// A red cross; always beside a word that says what failed.
pub(super) const CROSS: &str =
    r#"<svg class="m no" viewBox="0 0 12 12" aria-hidden="true"><path d="M3 3l6 6M9 3 3 9"/></svg>"#;
/// A tick: an entry that is done.
pub(super) const DONE: &str = r#"<svg class="m ok" viewBox="0 0 12 12" role="img" aria-label="done"><path d="M2 6.5 4.8 9.2 10 3"/></svg>"#;
/// A half disc: an entry being done.
pub(super) const DOING: &str = r#"<svg class="m" viewBox="0 0 12 12" role="img" aria-label="in progress"><circle cx="6" cy="6" r="4.2"/><path d="M6 1.8v8.4a4.2 4.2 0 0 0 0-8.4" fill="currentColor"/></svg>"#;
/// A ring: an entry not begun.
pub(super) const LATER: &str = r#"<svg class="m" viewBox="0 0 12 12" role="img" aria-label="to do"><circle cx="6" cy="6" r="4.2"/></svg>"#;
/// A tick: an option that was picked.
pub(super) const PICKED: &str = r#"<svg class="m ok" viewBox="0 0 12 12" role="img" aria-label="picked"><path d="M2 6.5 4.8 9.2 10 3"/></svg>"#;
/// A ring: an option that was not picked.
pub(super) const PASSED: &str = r#"<svg class="m" viewBox="0 0 12 12" role="img" aria-label="not picked"><circle cx="6" cy="6" r="4.2"/></svg>"#;
/// A cross before an error that breaks the flow.
pub(super) const ERROR: &str =
    r#"<svg class="m" viewBox="0 0 12 12" aria-hidden="true"><path d="M3 3l6 6M9 3 3 9"/></svg>"#;
/// A square before an interruption.
pub(super) const STOP: &str = r#"<svg class="m" viewBox="0 0 12 12" aria-hidden="true"><path d="M3 3h6v6H3z" fill="currentColor"/></svg>"#;
