//! What was attached to a prompt, or came with the result of a step.

use std::fmt;

/// An image or a document, pasted or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Which of the session's it is.
    pub no: AttachmentNo,
    /// `image/png` and the like, from the record, one of a known set, else `application/octet-stream`.
    pub media_type: &'static str,
    /// Bytes of the decoded content.
    pub bytes: u64,
    /// Width and height in pixels, where known.
    pub size: Option<(u32, u32)>,
}

/// How deep the files of sub-agents lie whose sub-agents are shown: those of a session at 1, theirs at 2.
pub(crate) const NESTED: usize = 6;

/// Which attachment of a session. Its bytes are served at `…/i1`; at `…/i12.1` where it stands in the own file of the
/// sub-agent that step 12 sent, at `…/i12.3.1` in that of the one that its step 3 sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttachmentNo {
    /// The steps that sent the sub-agents, the session's own first; behind the last, zeros.
    steps: [u32; NESTED],
    /// Ordinal in its file, from 1.
    pub no: u32,
}

impl AttachmentNo {
    /// The steps that sent the sub-agents it stands in, the session's own first.
    pub fn steps(&self) -> &[u32] {
        let depth = self.steps.iter().position(|step| *step == 0).unwrap_or(NESTED);
        self.steps.get(..depth).unwrap_or_default()
    }

    /// It, seen from the file whose `step` sent the sub-agent; `None` if that is too deep.
    pub(crate) fn sent_by(self, step: u32) -> Option<Self> {
        if step == 0 || self.steps().len() == NESTED {
            return None;
        }
        let mut steps = self.steps;
        steps.rotate_right(1);
        if let Some(first) = steps.first_mut() {
            *first = step;
        }
        Some(Self { steps, ..self })
    }

    /// The step of this file that sent the sub-agent, and which attachment it is seen from there; `None` if it is in
    /// this file.
    pub(crate) fn inside(self) -> Option<(u32, Self)> {
        let (first, _) = self.steps().split_first()?;
        let mut steps = self.steps;
        steps.rotate_left(1);
        if let Some(last) = steps.last_mut() {
            *last = 0;
        }
        Some((*first, Self { steps, ..self }))
    }

    /// Reads what [`Display`](fmt::Display) writes, and nothing else: each has one address.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplit('.');
        let no: u32 = parts.next()?.parse().ok()?;
        let read = parts.try_fold(Self::from(no), |inner, step| inner.sent_by(step.parse().ok()?))?;
        (read.to_string() == text).then_some(read)
    }
}

impl From<u32> for AttachmentNo {
    fn from(no: u32) -> Self {
        Self { steps: [0; NESTED], no }
    }
}

impl fmt::Display for AttachmentNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps().iter().try_for_each(|step| write!(f, "{step}."))?;
        write!(f, "{}", self.no)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written_and_no_other_way() {
        for text in ["1", "12.3", "12.3.1", "1.2.3.4.5.6.7"] {
            let no = AttachmentNo::parse(text).unwrap();
            assert_eq!(no.to_string(), text);
            let again = match no.inside() {
                Some((step, inner)) => inner.sent_by(step),
                None => Some(no),
            };
            assert_eq!(again, Some(no), "{text}");
        }
        for text in ["", ".", "1.", ".1", "01", "1.02", "0.1", "1.0.1", "+1", "1.2.3.4.5.6.7.8", "x"] {
            assert_eq!(AttachmentNo::parse(text), None, "{text}");
        }
    }
}
