//! Notices that the machine slept, that its clock was set, or that this process stood still, and has every
//! share looked at.

use std::time::Duration;

use actix::{AsyncContext, Context};
use jiff::Timestamp;

use super::{Supervisor, share};
use crate::share::clock::{Moment, gap};

/// How often the clocks are compared.
const TICK: Duration = Duration::from_secs(2);

impl Supervisor {
    pub(super) fn watch_clocks(&mut self, ctx: &mut Context<Self>) {
        let mut before = self.moment();
        ctx.run_interval(TICK, move |supervisor, _| {
            let now = supervisor.moment();
            if let Some(gap) = gap(std::mem::replace(&mut before, now), now, TICK) {
                tracing::info!(?gap, "the clocks have jumped: every share is looked at");
                // What was noted by the wall clock before is true no more.
                supervisor.note_alive();
                supervisor.wake_shares();
            }
        });
    }

    fn moment(&self) -> Moment {
        Moment { mono: self.env.now(), wall: Timestamp::now() }
    }

    fn wake_shares(&self) {
        self.actors().for_each(|addr| addr.do_send(share::Woke));
    }
}
