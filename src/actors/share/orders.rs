//! What the Supervisor tells a share to do: each becomes an event.

use actix::{ActorFutureExt, Context, Handler, Message, ResponseActFuture, WrapFuture};

use super::ShareActor;
use crate::actors::launch;
use crate::share::{Cause, Event, Failure, StopReason};

/// A person wants it down: the page is gone when this is handled, the rest follows with [`Stop`].
#[derive(Message)]
#[rtype(result = "()")]
pub struct Revoke(pub StopReason);

impl Handler<Revoke> for ShareActor {
    type Result = ();

    fn handle(&mut self, Revoke(why): Revoke, ctx: &mut Context<Self>) {
        self.on(Event::Revoke(why), ctx);
    }
}

/// End the share: server, keeper and tunnel. The link tells when it is done.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Stop(pub StopReason);

impl Handler<Stop> for ShareActor {
    type Result = ();

    fn handle(&mut self, Stop(why): Stop, ctx: &mut Context<Self>) {
        self.on(Event::Stop(why), ctx);
    }
}

/// The daemon leaves; keeper and tunnel stay.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Leave;

impl Handler<Leave> for ShareActor {
    type Result = ();

    fn handle(&mut self, _: Leave, ctx: &mut Context<Self>) {
        self.cause = Some("the daemon ends and leaves it to the next one");
        self.on(Event::Leave, ctx);
    }
}

/// The machine slept, or its clock was set, or this process stood still.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Woke;

impl Handler<Woke> for ShareActor {
    type Result = ();

    fn handle(&mut self, _: Woke, ctx: &mut Context<Self>) {
        self.on(Event::Woke, ctx);
    }
}

/// The configuration was read again.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Reconfigured;

impl Handler<Reconfigured> for ShareActor {
    type Result = ();

    fn handle(&mut self, _: Reconfigured, ctx: &mut Context<Self>) {
        self.on(Event::Paced(launch::pace(&self.record.provider, &self.env.config())), ctx);
        self.give_grace();
    }
}

/// Start afresh now. Refused while a start cannot succeed: then everything stays as it is.
#[derive(Message)]
#[rtype(result = "Result<(), Failure>")]
pub struct Restart;

impl Handler<Restart> for ShareActor {
    type Result = ResponseActFuture<Self, Result<(), Failure>>;

    fn handle(&mut self, _: Restart, _: &mut Context<Self>) -> Self::Result {
        let (record, config) = (self.record.clone(), self.env.config());
        let look = tokio::task::spawn_blocking(move || {
            launch::look_at_tunnel(&record.provider, &record.options, &config)
        });
        Box::pin(look.into_actor(self).map(|looked, share, ctx| {
            looked.map_err(|error| Failure::new(Cause::Internal, error.to_string(), "try again"))??;
            share.cause = Some("a restart was asked for");
            share.on(Event::Restart, ctx);
            // One that changed nothing is no cause of what comes later.
            share.cause = None;
            Ok(())
        }))
    }
}

/// Makes the actor panic, for the tests of supervision.
#[cfg(debug_assertions)]
#[derive(Message)]
#[rtype(result = "()")]
pub struct Fault;

#[cfg(debug_assertions)]
impl Handler<Fault> for ShareActor {
    type Result = ();

    fn handle(&mut self, _: Fault, _: &mut Context<Self>) {
        panic!("a fault was asked for");
    }
}
