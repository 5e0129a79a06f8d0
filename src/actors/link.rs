//! How the end of an actor is noticed ([`Link`], [`Down`]), and where its successor is found ([`Slot`]).
//!
//! actix does not restart an actor that panicked: the runtime catches the panic and drops the actor, and
//! nobody is told. So every supervised actor owns a [`Link`], and the drop of that link tells its parent.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, MailboxError, Message};

/// An actor is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Down {
    /// True if it panicked; false if it stopped by itself.
    pub panicked: bool,
}

/// Held by a supervised actor; tells its parent when it is dropped.
pub struct Link {
    tell: Option<Box<dyn FnOnce(Down) + Send>>,
}

impl Link {
    /// A link that calls `tell` once. `tell` must neither block nor panic: it may run while a panic unwinds.
    pub fn new(tell: impl FnOnce(Down) + Send + 'static) -> Self {
        Self { tell: Some(Box::new(tell)) }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take() {
            tell(Down { panicked: std::thread::panicking() });
        }
    }
}

/// Why an actor gave no answer. In each case it is not known whether the message took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// There is none at the moment, or it ended before it answered.
    #[error("a part of the daemon failed and is being restarted")]
    Down,
    /// It did not answer in time.
    #[error("a part of the daemon did not answer in time")]
    Late,
}

/// The address of the living actor of a kind: filled by whoever supervises it, read by the others.
pub struct Slot<A: Actor>(Arc<RwLock<Option<Addr<A>>>>);

impl<A: Actor> Clone for Slot<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: Actor> Default for Slot<A> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<A: Actor> Slot<A> {
    /// From now on, this is the one; `None` while there is none.
    pub fn put(&self, addr: Option<Addr<A>>) {
        // A poisoned lock holds a whole value all the same: assignment does not panic half-way.
        *self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = addr;
    }

    /// The living one.
    pub fn addr(&self) -> Option<Addr<A>> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Sends `message` at once and gives what waits at most `patience` for the answer.
    pub fn ask<M>(
        &self,
        message: M,
        patience: Duration,
    ) -> impl Future<Output = Result<M::Result, AskError>> + use<A, M>
    where
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
        M: Message + Send + Unpin + 'static,
        M::Result: Send,
    {
        // Sent here, not when first polled: messages to one actor stay in the order of these calls.
        let sent = self.addr().map(|addr| ask(&addr, message, patience));
        async move { sent.ok_or(AskError::Down)?.await }
    }
}

/// Sends `message` at once and gives what waits at most `patience` for the answer.
pub fn ask<A, M>(
    addr: &Addr<A>,
    message: M,
    patience: Duration,
) -> impl Future<Output = Result<M::Result, AskError>> + use<A, M>
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message + Send + Unpin + 'static,
    M::Result: Send,
{
    let sent = addr.send(message).timeout(patience);
    async move {
        match sent.await {
            Ok(answer) => Ok(answer),
            Err(MailboxError::Closed) => Err(AskError::Down),
            Err(MailboxError::Timeout) => Err(AskError::Late),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix::{Context, Handler, System};

    struct Fragile(#[expect(dead_code, reason = "held for its drop")] Link);

    impl Actor for Fragile {
        type Context = Context<Self>;
    }

    #[derive(Message)]
    #[rtype(result = "u32")]
    struct Poke {
        panic: bool,
    }

    impl Handler<Poke> for Fragile {
        type Result = u32;

        fn handle(&mut self, poke: Poke, _: &mut Self::Context) -> u32 {
            assert!(!poke.panic, "on purpose");
            7
        }
    }

    const PATIENCE: Duration = Duration::from_secs(5);

    #[test]
    fn a_panic_reaches_the_parent_the_caller_and_nobody_else() {
        System::new().block_on(async {
            let (tell, told) = tokio::sync::oneshot::channel();
            let slot = Slot::default();
            slot.put(Some(
                Fragile(Link::new(move |down| {
                    let _ = tell.send(down);
                }))
                .start(),
            ));
            let neighbour = Slot::default();
            neighbour.put(Some(Fragile(Link::new(|_| {})).start()));

            assert_eq!(slot.ask(Poke { panic: false }, PATIENCE).await, Ok(7));
            assert_eq!(slot.ask(Poke { panic: true }, PATIENCE).await, Err(AskError::Down));
            assert_eq!(told.await, Ok(Down { panicked: true }));
            assert_eq!(slot.ask(Poke { panic: false }, PATIENCE).await, Err(AskError::Down));
            assert_eq!(neighbour.ask(Poke { panic: false }, PATIENCE).await, Ok(7));
            slot.put(None);
            assert_eq!(slot.ask(Poke { panic: false }, PATIENCE).await, Err(AskError::Down));
        });
    }

    #[test]
    fn an_actor_that_stops_by_itself_did_not_panic() {
        System::new().block_on(async {
            let (tell, told) = tokio::sync::oneshot::channel();
            let addr = Fragile(Link::new(move |down| {
                let _ = tell.send(down);
            }))
            .start();
            drop(addr);
            assert_eq!(told.await, Ok(Down { panicked: false }));
        });
    }
}
