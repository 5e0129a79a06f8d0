//! The choke point: text of a session becomes [`CleanText`] here, and nowhere else.
//!
//! Everything downstream of the parsers (page, exports, search, titles, logs) takes `CleanText`, whose
//! only constructor is [`Cleaner::text`]. What was not cleaned cannot be shown, because it has no type
//! to be shown in. Nothing here does I/O.

mod clean;

pub use clean::{CleanText, Cleaner};
