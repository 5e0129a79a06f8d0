//! The shares that are wanted, as this process has recorded it: what the rows of a database that was lost are written
//! from, whichever actors have fallen meanwhile.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::db::{NewShare, Up};

/// Their rows.
#[derive(Debug, Default)]
pub struct Wanted(Mutex<HashMap<Uuid, Wish>>);

#[derive(Debug)]
struct Wish {
    row: NewShare,
    /// The database has it.
    recorded: bool,
}

impl Wanted {
    /// It is being recorded that this share is wanted: an end that comes in between takes that away again.
    pub fn note(&self, id: Uuid, row: NewShare) {
        self.wishes().entry(id).or_insert(Wish { row, recorded: false });
    }

    /// It is recorded.
    pub fn confirm(&self, id: Uuid) {
        if let Some(wish) = self.wishes().get_mut(&id) {
            wish.recorded = true;
        }
    }

    /// It is reached so from now on.
    pub fn moved(&self, id: Uuid, up: &Up) {
        if let Some(Wish { row, .. }) = self.wishes().get_mut(&id) {
            row.public_url.clone_from(&up.public_url);
            row.local_port = up.local_port.into();
        }
    }

    /// It is over.
    pub fn forget(&self, id: Uuid) {
        self.wishes().remove(&id);
    }

    /// Whether it is wanted, whoever serves it at the moment.
    pub fn has(&self, id: Uuid) -> bool {
        self.wishes().contains_key(&id)
    }

    /// All that are recorded.
    pub fn rows(&self) -> Vec<NewShare> {
        self.wishes().values().filter(|wish| wish.recorded).map(|wish| wish.row.clone()).collect()
    }

    fn wishes(&self) -> MutexGuard<'_, HashMap<Uuid, Wish>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
