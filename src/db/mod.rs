//! `state.db`: what must outlive the daemon. Rows, their queries, and how the file is opened.
//!
//! Queries take `&mut SqliteConnection` and are called by the `DbActor` alone (or by a command that holds
//! the daemon's lock while no daemon runs). The full-text cache is another file and another module.

mod changes;
pub mod ends;
mod history;
mod kv;
mod open;
mod rehearse;
#[rustfmt::skip]
mod schema;
mod share;
#[cfg(test)]
mod tests;
mod text;

pub use changes::{Changes, RowChange, write, write_anew};
pub use history::{ShareEvent, history, note};
pub use kv::{delete as kv_delete, get as kv_get, set as kv_set, set_all as kv_set_all};
pub use open::{DbError, Opened, open, open_read_only, tells_of_damage};
pub use share::{
    Down, NewShare, Outcome, ShareRow, Up, delete, end, ended_before, find, find_by_key, insert, list,
    list_active, mark_down, mark_up, mark_wanted,
};

pub use diesel::sqlite::SqliteConnection;
