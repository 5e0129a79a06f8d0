//! The keeper as a real process, with a stand-in tunnel client.

mod attach;
mod output;
mod start;
mod stop;
