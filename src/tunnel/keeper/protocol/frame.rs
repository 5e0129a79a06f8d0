//! How a message is written.

use serde::Serialize;

/// One frame, newline included. JSON escapes newlines, so the only one is at the end.
///
/// # Errors
/// A path in it is not valid UTF-8.
pub fn frame<T: Serialize>(message: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec(message)?;
    bytes.push(b'\n');
    Ok(bytes)
}
