//! Which file was shared: what tells it from another that stands in its place later.

use std::io;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};

use super::Source;

/// Places of a file that are looked at, evenly apart, its first and its last bytes among them …
const SAMPLES: u64 = 16;
/// … and bytes at each.
const SAMPLE: u64 = 4096;

/// What is remembered of the first bytes of a file that grows.
///
/// Neither its times nor its length: a session that goes on has others. The device is not part of it, for many have
/// another number after a restart of the machine. The number of a file that is gone is given to the next, so that alone
/// would not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The file's number in its file system; none of a session that is joined from many files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inode: Option<u64>,
    /// BLAKE3 of samples, in hexadecimal digits.
    samples: String,
}

impl Identity {
    /// Of the first `len` bytes of `source`. Reads 64 KiB at most.
    ///
    /// # Errors
    /// Those of reading.
    pub fn of(source: &Source, len: u64) -> io::Result<Self> {
        let mut hash = blake3::Hasher::new();
        let last = len.saturating_sub(SAMPLE);
        let step = (last / (SAMPLES - 1)).max(SAMPLE);
        let starts = (0..SAMPLES - 1).map(|n| n * step).take_while(|start| *start < last);
        for start in starts.chain([last]) {
            let mut sample = [0; SAMPLE as usize];
            let mut filled = 0;
            let wanted = usize::try_from(len.min(SAMPLE)).unwrap_or_default();
            while let Some(room) = sample.get_mut(filled..wanted).filter(|room| !room.is_empty()) {
                match source.read_at(room, start + filled as u64)? {
                    0 => break,
                    read => filled += read,
                }
            }
            hash.update(sample.get(..filled).unwrap_or_default());
        }
        let inode = if source.is_joined() { None } else { Some(source.file().metadata()?.ino()) };
        Ok(Self { inode, samples: hash.finalize().to_hex().to_string() })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_that_grows_is_the_same_and_one_with_another_byte_at_either_end_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.jsonl");
        let of = |len| Identity::of(&Source::open(&path).unwrap(), len).unwrap();
        for len in [0_usize, 1, 4095, 4096, 4097, 10_000, 65_536, 65_537, 300_000] {
            let text: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
            fs::write(&path, &text).unwrap();
            let before = of(len as u64);
            fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"more").unwrap();
            assert_eq!(of(len as u64), before, "{len}");
            for at in [0, len.saturating_sub(1)].into_iter().filter(|at| *at < len) {
                let mut other = text.clone();
                other[at] ^= 1;
                fs::write(&path, &other).unwrap();
                assert_ne!(of(len as u64), before, "byte {at} of {len}");
            }
            if len > 0 {
                fs::write(&path, &text[1..]).unwrap();
                assert_ne!(of(len as u64), before, "{len}, cut");
            }
            let stored = serde_json::to_string(&before).unwrap();
            assert_eq!(serde_json::from_str::<Identity>(&stored).unwrap(), before);
        }
    }

    #[test]
    fn another_file_with_the_same_bytes_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("1"), folder.path().join("2"));
        fs::write(&one, "same").unwrap();
        fs::write(&other, "same").unwrap();
        let of = |path| Identity::of(&Source::open(path).unwrap(), 4).unwrap();
        assert_ne!(of(&one), of(&other));
    }
}
