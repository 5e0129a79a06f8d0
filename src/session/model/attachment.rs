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

/// Which attachment of a session. Its bytes are served at `…/i1`; at `…/i12.1` where it stands in the own file of the
/// sub-agent that step 12 sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttachmentNo {
    /// The step that sent the sub-agent; `None` in the session's own file.
    pub step: Option<u32>,
    /// Ordinal in its file, from 1.
    pub no: u32,
}

impl AttachmentNo {
    /// Reads what [`Display`](fmt::Display) writes, and nothing else: each has one address.
    pub fn parse(text: &str) -> Option<Self> {
        let (step, no) = text.split_once('.').map_or((None, text), |(step, no)| (Some(step), no));
        let read = Self { step: step.map(str::parse).transpose().ok()?, no: no.parse().ok()? };
        (read.to_string() == text).then_some(read)
    }
}

impl From<u32> for AttachmentNo {
    fn from(no: u32) -> Self {
        Self { step: None, no }
    }
}

impl fmt::Display for AttachmentNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some(step) => write!(f, "{step}.{}", self.no),
            None => write!(f, "{}", self.no),
        }
    }
}
