//! Search over all sessions: the passages that match, the best of each session shown.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::list::Listed;
use super::text::{Role, Update};
use super::{Catalog, CatalogError, open, words};
use crate::redact::Cleaner;
use crate::session::discovery::Walked;

/// Passages looked at for one search, the best first.
const PASSAGES: i64 = 20_000;
/// Words of a snippet.
const SNIPPET: u8 = 24;

/// A session in which something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The session.
    pub session: Listed,
    /// Number of the prompt that the best passage belongs to; 0: none.
    pub turn: u32,
    /// Who said it.
    pub role: Role,
    /// The best place of it.
    pub snippet: Vec<Span>,
    /// How many passages match.
    pub passages: usize,
}

/// A run of a snippet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its text, clean.
    pub text: String,
    /// Whether it is what was searched.
    pub hit: bool,
}

#[derive(QueryableByName)]
struct Match {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    session: i64,
    #[diesel(sql_type = BigInt)]
    turn: i64,
    #[diesel(sql_type = Text)]
    role: String,
}

#[derive(QueryableByName)]
struct Snippet {
    #[diesel(sql_type = Text)]
    snippet: String,
}

impl Catalog {
    /// Brings list and full text up to date, and searches: the list, the hits, and what the update did. A
    /// query without a word finds nothing.
    ///
    /// # Errors
    /// [`CatalogError`].
    pub fn search(
        &mut self,
        walked: &Walked,
        query: &str,
        most: usize,
        cleaner: &Cleaner,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<(Vec<Listed>, Vec<Hit>, Update), CatalogError> {
        let mut all = |catalog: &mut Self| {
            let mut listed = catalog.list(walked, cleaner)?;
            let update = catalog.read_through(cleaner, &mut progress)?;
            if update.read > 0 {
                // What was read through may be called otherwise.
                listed = catalog.list(walked, cleaner)?;
            }
            let hits = catalog.hits(&listed, query, most)?;
            Ok((listed, hits, update))
        };
        match all(self) {
            Err(error) if open::is_damage(&error) => {
                tracing::warn!(%error, "the catalog of sessions is damaged: it is built anew");
                self.db = open::rebuild(&self.path)?;
                all(self)
            }
            done => done,
        }
    }

    /// Searches what is in the catalog, as it is: the sessions of `listed` with a match, the best first, at
    /// most `most` of them.
    ///
    /// # Errors
    /// [`CatalogError`].
    pub fn hits(&mut self, listed: &[Listed], query: &str, most: usize) -> Result<Vec<Hit>, CatalogError> {
        let Some(expression) = words::expression(query) else { return Ok(Vec::new()) };
        let found = (|| {
            let (best, counts) = best(matches(&mut self.db, &expression)?);
            let listed: HashMap<i64, &Listed> = listed.iter().map(|session| (session.id, session)).collect();
            let known = best.into_iter().filter_map(|found| Some((*listed.get(&found.session)?, found)));
            known
                .take(most)
                .map(|(session, found)| {
                    Ok(Hit {
                        session: session.clone(),
                        turn: u32::try_from(found.turn).unwrap_or_default(),
                        role: Role::of(&found.role),
                        snippet: words::spans(&snippet(&mut self.db, &expression, found.id)?),
                        passages: counts.get(&found.session).copied().unwrap_or_default(),
                    })
                })
                .collect::<QueryResult<Vec<Hit>>>()
        })();
        found.map_err(|error| self.query_error(error))
    }
}

fn matches(db: &mut SqliteConnection, expression: &str) -> QueryResult<Vec<Match>> {
    diesel::sql_query(
        "SELECT p.id, p.session, p.turn, p.role FROM passages_fts
         JOIN passages AS p ON p.id = passages_fts.rowid
         WHERE passages_fts MATCH ? ORDER BY passages_fts.rank LIMIT ?",
    )
    .bind::<Text, _>(expression)
    .bind::<BigInt, _>(PASSAGES)
    .load(db)
}

/// The first match of each session, and how many there are.
fn best(matches: Vec<Match>) -> (Vec<Match>, HashMap<i64, usize>) {
    let mut counts = HashMap::new();
    let mut best = Vec::new();
    for found in matches {
        let count = counts.entry(found.session).or_insert(0);
        *count += 1;
        if *count == 1 {
            best.push(found);
        }
    }
    (best, counts)
}

fn snippet(db: &mut SqliteConnection, expression: &str, passage: i64) -> QueryResult<String> {
    let [open, close] = words::MARKS.map(String::from);
    let found: Option<Snippet> = diesel::sql_query(format!(
        "SELECT snippet(passages_fts, 0, ?, ?, '…', {SNIPPET}) AS snippet FROM passages_fts
         WHERE passages_fts MATCH ? AND rowid = ?"
    ))
    .bind::<Text, _>(open)
    .bind::<Text, _>(close)
    .bind::<Text, _>(expression)
    .bind::<BigInt, _>(passage)
    .get_result(db)
    .optional()?;
    Ok(found.map(|found| found.snippet).unwrap_or_default())
}
