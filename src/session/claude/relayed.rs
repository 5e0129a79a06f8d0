//! What sub-agents did as Claude Code 2.1.12 to 2.1.71 relayed it: records of type `progress` in the session's own file,
//! each with a record of the sub-agent inside. They are a second copy of the sub-agent's file, and all there is of it
//! where that file is not at hand.

use std::fs::File;
use std::io::{BufWriter, IntoInnerError, Write};

use super::first;
use crate::session::agent::Desk;
use crate::session::index::hash;
use crate::session::json::Obj;

/// Bytes of one sub-agent that are brought together.
const BYTES: u64 = 64 << 20;

/// The id of the sub-agent that the call of this id sent; `None` if nothing of it was relayed.
pub(super) fn agent(call: &str, desk: &Desk<'_>) -> Option<String> {
    let (offset, len) = desk.index().relayed(hash(call)).first().copied()?;
    let record = desk.record_at(offset, len).ok()?;
    Some(first(&record)?.obj("data")?.text("agentId")?.into_owned())
}

/// The records of that sub-agent, as its own file would have them, in a file without a name; `None` as for [`agent`].
pub(super) fn records(call: &str, desk: &Desk<'_>) -> Option<File> {
    let places = desk.index().relayed(hash(call)).to_vec();
    if places.is_empty() {
        return None;
    }
    let mut out = BufWriter::new(tempfile::tempfile().ok()?);
    let mut left = BYTES;
    for (offset, len) in places {
        left = match left.checked_sub(len.into()) {
            Some(left) => left,
            None => break,
        };
        let record = desk.record_at(offset, len).ok()?;
        write(&first(&record)?, &mut out)?;
    }
    out.into_inner().map_err(IntoInnerError::into_error).ok()
}

/// Writes the record that `relay` carries as a line. It lacks what is the same in all.
fn write(relay: &Obj<'_>, out: &mut impl Write) -> Option<()> {
    let Some(inner) = relay.obj("data").and_then(|data| data.raw("message")) else { return Some(()) };
    let Some(fields) = inner.get().trim().strip_prefix('{').filter(|rest| rest.trim() != "}") else {
        return Some(());
    };
    out.write_all(b"{\"isSidechain\":true,").ok()?;
    for key in ["sessionId", "cwd", "version"] {
        if let Some(value) = relay.raw(key) {
            write!(out, "\"{key}\":{},", value.get().trim()).ok()?;
        }
    }
    // A record is one line, whatever was between its fields.
    let line = fields.replace(['\n', '\r'], " ");
    writeln!(out, "{line}").ok()
}
