//! The shares that are wanted, as this process has recorded it: what the rows of a database that was lost are written
//! from, whichever actors have fallen meanwhile.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::db::{NewShare, Up};

/// Their rows.
#[derive(Debug, Default)]
pub struct Wanted(Mutex<HashMap<Uuid, NewShare>>);

impl Wanted {
    /// It is recorded that this share is wanted.
    pub fn note(&self, id: Uuid, row: NewShare) {
        self.rows().entry(id).or_insert(row);
    }

    /// It is reached so from now on.
    pub fn moved(&self, id: Uuid, up: &Up) {
        if let Some(row) = self.rows().get_mut(&id) {
            row.public_url.clone_from(&up.public_url);
            row.local_port = up.local_port.into();
        }
    }

    /// It is over.
    pub fn forget(&self, id: Uuid) {
        self.rows().remove(&id);
    }

    /// All of them.
    pub fn all(&self) -> Vec<NewShare> {
        self.rows().values().cloned().collect()
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<Uuid, NewShare>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
