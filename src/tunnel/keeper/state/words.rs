//! What the state is told, and what it asks for.

use std::time::Duration;

use crate::tunnel::extract::TunnelEvent;
use crate::tunnel::keeper::protocol::{Event, Exit, Hello, Request};
use crate::tunnel::spec::{StopSignal, TunnelSpec};

/// The moment of an input.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Since some fixed moment; never goes back, stands still while the machine sleeps.
    pub mono: Duration,
    /// Milliseconds since 1970.
    pub unix_ms: u64,
}

/// One connection of a daemon; later ones have larger numbers.
pub type Conn = u64;
/// One start of a client; later ones have larger numbers.
pub type Run = u64;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A daemon connected.
    Connected(Conn),
    /// A connection ended.
    Gone(Conn),
    /// A request came.
    Request(Conn, Request),
    /// Something came that is no request.
    BadFrame(Conn, String),
    /// The client's output said something.
    Output(Run, TunnelEvent),
    /// Both output streams of the client have ended.
    OutputEnded(Run),
    /// Answer to [`Effect::Start`].
    Started(Run, Result<u32, StartFailure>),
    /// The client's process ended.
    Ended {
        /// Its process.
        pid: u32,
        /// Exit code.
        code: Option<i32>,
        /// Signal number.
        signal: Option<i32>,
    },
    /// The system, or a person, asks this process to end.
    Terminate,
    /// Time has passed.
    Tick,
}

/// Why a client could not be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFailure {
    /// What happened.
    pub message: String,
    /// What a person can do.
    pub remedy: String,
    /// Trying again may help.
    pub transient: bool,
}

/// What to do, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send the first frame, with the listening socket.
    Hello(Conn, Hello),
    /// Send a frame.
    Send(Conn, Event),
    /// Send the end of the log as the answer to this request.
    SendLog(Conn, u64, Option<usize>),
    /// Send log lines from now on, or no more.
    Subscribe(Conn, bool),
    /// Close a connection.
    Close(Conn),
    /// Start a client; answered with [`Input::Started`].
    Start(Run, Box<TunnelSpec>),
    /// Signal the client's process group.
    Signal(u32, StopSignal),
    /// Close and unlink the control socket: nobody new is answered.
    CloseSocket,
    /// A client has ended: note it, and tell the connection, with the end of the log as its last lines.
    Exited(Option<Conn>, Exit),
    /// Kill whatever is left, remove the files, send [`Event::Stopped`] to the connection, exit.
    Finish(Option<Conn>),
}
