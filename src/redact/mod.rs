//! The choke point: text of a session becomes [`CleanText`] here, and nowhere else.
//!
//! Everything downstream of the parsers (page, exports, search, titles, logs) takes `CleanText`, whose
//! only constructors are those of [`Cleaner`]. What was not cleaned cannot be shown, because it has no type
//! to be shown in. Unmistakable secrets (`rules`) are masked on the way. Nothing here does I/O.

mod clean;
mod header;
mod pem;
mod rules;
#[cfg(test)]
mod tests;

pub use clean::{CleanText, Cleaner};
pub use rules::MASK;
