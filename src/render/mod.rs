//! Blocks → HTML: the page a viewer reads; and a whole session as one file ([`export`]). Pure: no I/O, no
//! clock; what it knows it is handed.
//!
//! A page works without a script and without styles; both only add. Its links are relative, it asks no other
//! host for anything, and it carries no inline script, no `style` attribute and no `on*` attribute, so that
//! it stands under a strict Content-Security-Policy. Everything a session says is escaped by the one
//! function of [`Html`].
//!
//! Not here: reading sessions (`crate::session`), masking (`crate::redact`), serving.

mod anchor;
mod ansi;
pub mod assets;
mod changed;
mod checklist;
mod code;
mod diff;
mod ending;
pub mod export;
mod figure;
mod figures;
mod find;
mod gather;
mod header;
mod highlight;
mod html;
mod items;
mod links;
mod markdown;
mod mask;
mod matches;
mod nest;
mod notice;
mod other;
mod outline;
mod page;
mod pairs;
mod phrase;
mod prompt;
mod row;
mod scene;
mod shell;
mod signs;
mod spark;
mod step;
mod subject;
mod timeline;
mod turn;
mod web;

pub use assets::{Asset, asset};
pub use find::{FoundInput, Hit, QUERY, Search, found_page, found_part};
pub use highlight::while_there_is_time;
pub use html::Html;
pub use markdown::markdown;
pub use notice::{NOTICE_STYLE, not_found, preparing, unreadable};
pub use page::{PageInput, page, part, step_page};

#[cfg(test)]
mod tests;
