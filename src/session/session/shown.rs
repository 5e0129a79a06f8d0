//! What one record shows, whatever it is to the flow of the session.

use super::Session;
use crate::session::agent::{Desk, Layout, Shown};
use crate::session::error::ReadError;
use crate::session::index::{Entry, Kind};
use crate::session::json;
use crate::session::model::Item;

impl Session {
    pub(super) fn show(&self, entry: &Entry, no: u32, desk: &Desk<'_>) -> Result<Shown, ReadError> {
        Ok(self.shown(entry, no, desk)?.0)
    }

    /// What a record shows, and its bytes, if it is one that an agent shows.
    pub(super) fn shown(
        &self,
        entry: &Entry,
        no: u32,
        desk: &Desk<'_>,
    ) -> Result<(Shown, Vec<u8>), ReadError> {
        let note = |what: String, fields| {
            let item = Item::Unknown { what: self.cleaner.text(&what), fields };
            Ok((Shown { prompt: None, items: vec![item] }, Vec::new()))
        };
        match entry.kind {
            Kind::Broken | Kind::TooLong => {
                let bytes = self.source.bytes(entry.offset, (entry.len as usize).min(2048))?;
                let start = self.cleaner.start(&String::from_utf8_lossy(&bytes), 300);
                let is = if entry.kind == Kind::Broken { "not valid JSON" } else { "too long to be shown" };
                note(format!("line {} is {is}", entry.line), vec![(self.cleaner.text("starts with"), start)])
            }
            Kind::Strange => {
                let record = desk.record(entry)?;
                let named = self.agent.fields().and_then(|fields| fields.named(&record, desk));
                Ok((Shown { prompt: None, items: named.into_iter().collect() }, Vec::new()))
            }
            Kind::Side => match desk.index().stray_chain(no) {
                Some(records) => {
                    let count = self.cleaner.text(&records.to_string());
                    note(
                        "work of a sub-agent that no step sent".into(),
                        vec![(self.cleaner.text("records"), count)],
                    )
                }
                None => Ok((Shown::default(), Vec::new())),
            },
            // Text keeps its line feeds, which a record of JSON may lose.
            _ if matches!(self.agent.layout(), Layout::Runs(_)) => {
                let run = self.source.bytes(entry.offset, entry.len as usize)?;
                let run = json::as_utf8(&run).into_bytes();
                Ok((self.agent.show(entry, no, &run, desk)?, run))
            }
            _ => {
                let record = desk.record(entry)?;
                Ok((self.agent.show(entry, no, &record, desk)?, record))
            }
        }
    }
}
