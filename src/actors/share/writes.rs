//! What the database is told of a share that lives: kept, and tried again, until the database has it.
//!
//! One write at a time, with all that waits: of the row only the newest change counts, events stay in their order. A
//! write waits for nobody who holds the database, so that it keeps nobody else waiting.

use std::time::Duration;

use actix::{AsyncContext, Context, Handler, Message};
use jiff::Timestamp;

use super::{ShareActor, Told};
use crate::actors::db;
use crate::db::{Changes, Down, RowChange, ShareEvent, Up};
use crate::share::{Failure, Status};

/// Between two attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// Events that wait, at most; the database keeps no more of a share either.
const MOST_EVENTS: usize = 500;
/// Characters of a reason that are kept in the history: 500 events must fit into a frame.
const LONGEST_REASON: usize = 300;

/// What the database has not confirmed.
#[derive(Default)]
pub(super) struct Writes {
    waiting: Changes,
    /// What was sent, and not answered yet.
    sent: Changes,
    /// A write is, or the pause after one that failed.
    under_way: bool,
    /// The latest one failed.
    refused: bool,
}

impl Writes {
    /// All that waits, to be written now; `None` while a write is under way, or nothing waits.
    fn next(&mut self) -> Option<Changes> {
        if self.under_way || self.waiting.is_empty() {
            return None;
        }
        self.under_way = true;
        self.sent = std::mem::take(&mut self.waiting);
        Some(self.sent.clone())
    }

    /// It is stored.
    fn done(&mut self) {
        self.under_way = false;
        self.sent = Changes::default();
    }

    /// It could not be stored: it comes before what waits since.
    fn failed(&mut self) {
        let sent = std::mem::take(&mut self.sent);
        self.put_back(sent);
    }

    /// All that is not known to be stored. What is written twice is stored once.
    fn rest(&mut self) -> Changes {
        self.failed();
        std::mem::take(&mut self.waiting)
    }

    fn note(&mut self, event: ShareEvent) {
        self.waiting.events.push_back(event);
        self.forget_the_oldest();
    }

    fn put_back(&mut self, failed: Changes) {
        let Changes { row, events } = std::mem::replace(&mut self.waiting, failed);
        self.waiting.row = row.or(self.waiting.row.take());
        self.waiting.events.extend(events);
        self.forget_the_oldest();
    }

    fn forget_the_oldest(&mut self) {
        let events = &mut self.waiting.events;
        events.drain(..events.len().saturating_sub(MOST_EVENTS));
    }
}

/// What was made of a state for the row.
#[derive(Clone, PartialEq)]
pub(super) enum Saved {
    Up(Up),
    Down(Status, Option<Failure>, Option<Duration>),
}

impl ShareActor {
    /// Status and URL go to the database, if they differ from what was sent there; what ends a share is recorded by
    /// whoever ends it.
    pub(super) fn save(&mut self, told: &Told, ctx: &mut Context<Self>) {
        let wanted = self.recorded && !told.is_left();
        let Some(saved) = wanted.then(|| self.to_be_saved(told)).flatten() else { return };
        if self.saved.as_ref() == Some(&saved) {
            return;
        }
        self.writes.waiting.row = Some(match saved.clone() {
            Saved::Up(up) => {
                self.env.wanted.moved(self.record.id, &up);
                RowChange::Up(up)
            }
            Saved::Down(status, failure, not_before) => {
                let left = not_before.map(|until| until.saturating_sub(self.env.now()));
                let not_before = left.and_then(|left| Timestamp::now().checked_add(left).ok());
                RowChange::Down(Down { status, failure, not_before })
            }
        });
        self.saved = Some(saved);
        self.write(ctx);
    }

    fn to_be_saved(&self, told: &Told) -> Option<Saved> {
        match told.status {
            Status::Active => self.up().map(Saved::Up),
            Status::Starting | Status::Error => {
                Some(Saved::Down(told.status, told.failure.clone(), told.not_before))
            }
            Status::Stopped => None,
        }
    }

    /// Adds to the share's history.
    pub(super) fn note(&mut self, told: &Told, ctx: &mut Context<Self>) {
        let why = match self.cause.take() {
            None if told.has_moved(self.told.as_ref()) => "its tunnel gave a URL".to_owned(),
            cause => [cause, told.reason()].into_iter().flatten().collect::<Vec<_>>().join("; "),
        };
        let event = self.event(told, &why);
        self.writes.note(event);
        self.write(ctx);
    }

    fn event(&self, told: &Told, why: &str) -> ShareEvent {
        let reason: String = why.chars().take(LONGEST_REASON).collect();
        ShareEvent {
            share_id: self.record.id.to_string(),
            at: Timestamp::now().to_string(),
            status: told.status.as_str().to_owned(),
            phase: told.phase.to_owned(),
            public_url: told.url.clone(),
            reason: Some(reason).filter(|reason| !reason.is_empty()),
        }
    }

    fn write(&mut self, ctx: &mut Context<Self>) {
        let Some(changes) = self.writes.next() else { return };
        let id = self.record.id;
        let written = db::write_changes(id, changes).run(&self.env.db);
        self.spawn_then(ctx, written, move |share, written, ctx| match written {
            Ok(()) => {
                share.writes.done();
                if std::mem::take(&mut share.writes.refused) {
                    tracing::info!(share = %id, "what could not be recorded is recorded now");
                }
                share.write(ctx);
            }
            Err(error) => {
                if !std::mem::replace(&mut share.writes.refused, true) {
                    tracing::error!(share = %id, %error, "a change of a share could not be recorded yet");
                }
                share.writes.failed();
                ctx.run_later(PAUSE, |share, ctx| {
                    share.writes.under_way = false;
                    share.write(ctx);
                });
            }
        });
    }

    /// The actor ends: what is not stored yet is sent until it is, as long as this process lives. Later, of what
    /// happened only: how the share stands is told by whoever comes after this actor.
    pub(super) fn write_the_rest(&mut self) {
        let mut rest = self.writes.rest();
        if rest.is_empty() {
            return;
        }
        let (id, env) = (self.record.id, self.env.clone());
        let mut written = Box::pin(db::write_changes(id, rest.clone()).run(&env.db));
        rest = Changes { events: rest.events, ..Changes::default() };
        actix::spawn(async move {
            let mut told = false;
            while let Err(error) = written.await {
                if rest.is_empty() {
                    return;
                }
                if !std::mem::replace(&mut told, true) {
                    tracing::error!(share = %id, %error, "the last changes of a share could not be recorded yet");
                }
                tokio::time::sleep(PAUSE).await;
                written = Box::pin(db::write_changes(id, rest.clone()).run(&env.db));
            }
        });
    }
}

/// There is another DbActor, and maybe another database: how the share stands is written there.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RecordAnew;

impl Handler<RecordAnew> for ShareActor {
    type Result = ();

    fn handle(&mut self, _: RecordAnew, ctx: &mut Context<Self>) {
        let Some(told) = self.told.clone().filter(|told| told.status != Status::Stopped) else { return };
        if !self.recorded || self.state.is_over() {
            return;
        }
        self.saved = None;
        self.save(&told, ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(n: usize) -> ShareEvent {
        ShareEvent {
            share_id: "one".to_owned(),
            at: n.to_string(),
            status: "error".to_owned(),
            phase: "backoff".to_owned(),
            public_url: None,
            reason: None,
        }
    }

    fn up(port: u16) -> RowChange {
        RowChange::Up(Up { public_url: "https://one.example".to_owned(), local_port: port })
    }

    #[test]
    fn what_failed_is_tried_again_with_what_came_since_in_order_and_one_at_a_time() {
        let mut writes = Writes::default();
        assert!(writes.next().is_none(), "nothing waits");
        writes.note(event(0));
        writes.waiting.row = Some(up(1));
        writes.next().unwrap();
        writes.note(event(1));
        assert!(writes.next().is_none(), "one is under way");
        writes.failed();
        writes.note(event(2));
        writes.under_way = false;
        let second = writes.next().unwrap();
        assert_eq!(second.row, Some(up(1)));
        assert_eq!(second.events, [event(0), event(1), event(2)]);
        writes.waiting.row = Some(up(2));
        writes.failed();
        writes.under_way = false;
        assert_eq!(writes.next().unwrap().row, Some(up(2)), "only the newest counts");
    }

    #[test]
    fn what_is_left_at_the_end_is_all_that_is_not_known_to_be_stored() {
        let mut writes = Writes::default();
        writes.note(event(0));
        writes.next().unwrap();
        writes.done();
        writes.note(event(1));
        writes.next().unwrap();
        writes.note(event(2));
        assert_eq!(writes.rest().events, [event(1), event(2)]);
        assert!(writes.rest().is_empty());
    }

    #[test]
    fn of_what_waits_for_ever_the_newest_is_kept() {
        let mut writes = Writes::default();
        (0..MOST_EVENTS).for_each(|n| writes.note(event(n)));
        writes.next().unwrap();
        (0..10).for_each(|n| writes.note(event(MOST_EVENTS + n)));
        writes.failed();
        assert_eq!(writes.waiting.events.len(), MOST_EVENTS);
        assert_eq!(writes.waiting.events.front(), Some(&event(10)));
        assert_eq!(writes.waiting.events.back(), Some(&event(MOST_EVENTS + 9)));
    }
}
