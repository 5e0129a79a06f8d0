//! A session of opencode's storage brought together: the session's own file, the files of its messages, and
//! those of their parts, as one document of the shape that `opencode export` writes.
//!
//! Paths are made of the names of files found and of ids that are plain names: nothing outside the storage
//! folder is ever opened, and no symbolic link below it followed.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde_json::value::RawValue;

use crate::session::error::OpenError;
use crate::session::json::Obj;
use crate::session::lines::MAX_LINE;

/// Bytes of the session's own file.
const INFO: u64 = 1 << 20;
/// Files of one session, and bytes of all of them.
const FILES: usize = 500_000;
const BYTES: u64 = 2 << 30;

/// A session brought together.
#[derive(Debug)]
pub(crate) struct Joined {
    /// The document: a file without a name.
    pub file: File,
    /// No message was left out.
    pub whole: bool,
}

/// The session whose own file in opencode's storage is `file`, at `path`: its first `messages` messages.
/// `None`: it is no such file.
///
/// # Errors
/// When something of it cannot be read, or there is more of it than any session has.
pub(crate) fn joined(path: &Path, file: &File, messages: usize) -> Result<Option<Joined>, OpenError> {
    let Some(storage) = storage_of(path) else { return Ok(None) };
    if file.metadata()?.len() > INFO {
        return Ok(None);
    }
    let mut own = String::new();
    if file.take(INFO).read_to_string(&mut own).is_err() {
        return Ok(None);
    }
    let Some(info) = serde_json::from_str::<&RawValue>(&own).ok() else { return Ok(None) };
    let Some(id) = Obj::parse(info.get()).filter(is_info).and_then(|info| info.text("id")) else {
        return Ok(None);
    };
    let mut out = BufWriter::new(tempfile::tempfile()?);
    let mut joining = Joining { storage, left: BYTES, files: FILES, flat: None };
    let whole = joining.write(&id, info.get(), messages, &mut out)?;
    let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(Some(Joined { file, whole }))
}

/// The storage folder, if `path` is where a session's own file lies in one.
fn storage_of(path: &Path) -> Option<PathBuf> {
    if path.extension()? != "json" {
        return None;
    }
    let path = fs::canonicalize(path).ok()?;
    let sessions = path.parent()?.parent()?;
    (sessions.file_name()? == "session").then(|| sessions.parent().map(Path::to_owned))?
}

fn is_info(info: &Obj<'_>) -> bool {
    let has = |key| info.raw(key).is_some();
    has("id") && has("directory") && has("time") && !has("messages")
}

/// Whether `name` names an entry of a folder and nothing else.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !name.is_empty() && name.len() <= 200 && !name.starts_with('.') && name.chars().all(plain)
}

/// A session being brought together.
struct Joining {
    storage: PathBuf,
    left: u64,
    files: usize,
    /// The parts of the oldest layout, which lie in one folder, by message.
    flat: Option<HashMap<String, Vec<PathBuf>>>,
}

impl Joining {
    /// Writes the document; returns whether no message was left out.
    fn write(&mut self, id: &str, info: &str, most: usize, out: &mut impl Write) -> Result<bool, OpenError> {
        write!(out, "{{\"info\":{},\"messages\":[", info.trim())?;
        let messages = self.files_in("message", id)?;
        for (n, path) in messages.iter().take(most).enumerate() {
            let message = self.read(path)?;
            let message = object(message.as_deref()).unwrap_or("{\"role\":\"a file that is not whole\"}");
            let id = Obj::parse(message).and_then(|message| message.text("id"));
            write!(out, "{}\n{{\"info\":{message},\"parts\":[", if n == 0 { "" } else { "," })?;
            for (n, path) in self.parts(id.as_deref().unwrap_or_default())?.iter().enumerate() {
                let part = self.read(path)?;
                let part = object(part.as_deref()).unwrap_or("{\"type\":\"a file that is not whole\"}");
                write!(out, "{}{part}", if n == 0 { "" } else { "," })?;
            }
            out.write_all(b"]}")?;
        }
        out.write_all(b"\n]}\n")?;
        Ok(messages.len() <= most)
    }

    fn parts(&mut self, message: &str) -> Result<Vec<PathBuf>, OpenError> {
        let own = self.files_in("part", message)?;
        if !own.is_empty() {
            return Ok(own);
        }
        if self.flat.is_none() {
            let mut flat: HashMap<String, Vec<PathBuf>> = HashMap::new();
            for path in self.json_in(&self.storage.join("part"))? {
                let part = self.read(&path)?;
                let of = object(part.as_deref()).and_then(|part| Obj::parse(part)?.text("messageID"));
                if let Some(of) = of {
                    flat.entry(of.into_owned()).or_default().push(path);
                }
            }
            self.flat = Some(flat);
        }
        Ok(self.flat.as_mut().and_then(|flat| flat.remove(message)).unwrap_or_default())
    }

    /// The JSON files of the folder `of` has below `kind`, by name: ids count up.
    fn files_in(&mut self, kind: &str, of: &str) -> Result<Vec<PathBuf>, OpenError> {
        if !is_name(of) {
            return Ok(Vec::new());
        }
        let files = self.json_in(&self.storage.join(kind).join(of))?;
        self.files = self.files.checked_sub(files.len()).ok_or(OpenError::TooMuch)?;
        Ok(files)
    }

    fn json_in(&self, folder: &Path) -> Result<Vec<PathBuf>, OpenError> {
        if !fs::symlink_metadata(folder).is_ok_and(|meta| meta.is_dir()) {
            return Ok(Vec::new());
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "json") && entry.file_type()?.is_file() {
                files.push(path);
            }
            if files.len() > self.files {
                return Err(OpenError::TooMuch);
            }
        }
        files.sort();
        Ok(files)
    }

    /// The text of a file; `None` if it is none, or is gone.
    fn read(&mut self, path: &Path) -> Result<Option<String>, OpenError> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        let file = match OpenOptions::new().read(true).custom_flags(flags as i32).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let read = file.take((MAX_LINE as u64).min(self.left)).read_to_end(&mut bytes)?;
        self.left = self.left.checked_sub(read as u64).filter(|left| *left > 0).ok_or(OpenError::TooMuch)?;
        Ok(String::from_utf8(bytes).ok())
    }
}

/// `text`, if it is a whole JSON object.
fn object(text: Option<&str>) -> Option<&str> {
    let raw: &RawValue = serde_json::from_str(text?).ok()?;
    raw.get().starts_with('{').then_some(raw.get())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileExt, symlink};

    use super::*;

    /// A storage folder with one session of two messages.
    fn storage() -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = home.path().join("storage").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        };
        let own = put(
            "session/p/ses_1.json",
            "{\n \"id\": \"ses_1\", \"directory\": \"/x\", \"time\": {\"created\": 1}\n}\n",
        );
        put("message/ses_1/msg_1.json", r#"{"id":"msg_1","role":"user"}"#);
        put("message/ses_1/msg_2.json", r#"{"id":"msg_2","role":"assistant"}"#);
        put("part/msg_1/prt_1.json", r#"{"id":"prt_1","type":"text","text":"do it"}"#);
        put("part/msg_2/prt_3.json", r#"{"id":"prt_3","type":"text","text":"second"}"#);
        put("part/msg_2/prt_2.json", r#"{"id":"prt_2","type":"text","text":"first"}"#);
        (home, own)
    }

    fn text(path: &Path, messages: usize) -> Option<String> {
        let joined = joined(path, &File::open(path).unwrap(), messages).unwrap()?;
        let mut bytes = vec![0; joined.file.metadata().unwrap().len() as usize];
        joined.file.read_exact_at(&mut bytes, 0).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(joined.whole, value["messages"].as_array().unwrap().len() < messages);
        Some(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn a_session_is_joined_in_the_order_of_its_ids() {
        let (_home, own) = storage();
        let text = text(&own, 9).unwrap();
        let places: Vec<_> = ["do it", "first", "second"].map(|words| text.find(words).unwrap()).into();
        assert!(places.is_sorted(), "{text}");
    }

    #[test]
    fn only_so_many_messages_are_joined_as_are_wanted() {
        let (_home, own) = storage();
        let text = text(&own, 1).unwrap();
        assert!(text.contains("do it") && !text.contains("first"));
    }

    #[test]
    fn a_file_that_is_not_whole_is_noted_in_its_place() {
        let (home, own) = storage();
        fs::write(home.path().join("storage/part/msg_2/prt_2.json"), "{\"type\":").unwrap();
        let text = text(&own, 9).unwrap();
        assert!(text.contains("not whole") && text.contains("second"));
    }

    #[test]
    fn nothing_outside_the_storage_is_read() {
        let (home, own) = storage();
        let outside = home.path().join("outside");
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("prt_9.json"), r#"{"type":"text","text":"OUTSIDE"}"#).unwrap();
        let storage = home.path().join("storage");
        symlink(outside.join("prt_9.json"), storage.join("part/msg_2/prt_9.json")).unwrap();
        symlink(&outside, storage.join("part/msg_3")).unwrap();
        fs::write(storage.join("message/ses_1/msg_3.json"), r#"{"id":"msg_3","role":"user"}"#).unwrap();
        fs::write(storage.join("message/ses_1/msg_4.json"), r#"{"id":"../../outside","role":"user"}"#)
            .unwrap();
        let text = text(&own, 9).unwrap();
        assert!(text.contains("msg_3") && !text.contains("OUTSIDE"), "{text}");
        for id in ["../outside", "a/b", "..", ".hidden", ""] {
            assert!(!is_name(id), "{id}");
        }
    }

    #[test]
    fn another_file_is_not_joined() {
        let (home, own) = storage();
        let elsewhere = home.path().join("ses_1.json");
        fs::copy(&own, &elsewhere).unwrap();
        assert!(text(&elsewhere, 9).is_none(), "it does not lie in a storage folder");
        fs::write(&own, r#"{"id":"x","messages":[]}"#).unwrap();
        assert!(text(&own, 9).is_none(), "it is no session's own file");
    }
}
