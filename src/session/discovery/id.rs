//! Short names of session files, for a person to type: the beginning of a hash of the path, so that a session keeps
//! its id while it grows, and across machines that have it at the same place.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Characters of an id.
const LONG: usize = 16;
/// The fewest characters that are shown of one, and those that are taken for one.
const SHORT: usize = 6;
const SHORTEST: usize = 4;

/// The id of the session file at `path`: 16 digits, hexadecimal.
pub fn id(path: &Path) -> String {
    let hash = blake3::hash(path.as_os_str().as_bytes());
    hash.to_hex().chars().take(LONG).collect()
}

/// How many characters tell these ids apart: at least 6.
pub fn length_to_tell_apart(ids: &[String]) -> usize {
    let mut sorted: Vec<&str> = ids.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let shared = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let pairs = sorted.iter().zip(sorted.iter().skip(1));
    let most = pairs.filter(|(a, b)| a != b).map(|(a, b)| shared(a, b) + 1).max().unwrap_or(0);
    most.clamp(SHORT, LONG)
}

/// Whether `text` may be an id or its beginning.
pub fn is_like_id(text: &str) -> bool {
    (SHORTEST..=LONG).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_as_long_as_tells_them_apart() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(length_to_tell_apart(&[]), 6);
        assert_eq!(length_to_tell_apart(&ids(&["0123456789abcdef", "1123456789abcdef"])), 6);
        assert_eq!(length_to_tell_apart(&ids(&["0123456700000000", "0123456800000000"])), 8);
        // One file twice is one session.
        assert_eq!(length_to_tell_apart(&ids(&["0123456789abcdef", "0123456789abcdef"])), 6);
    }

    #[test]
    fn an_id_is_hexadecimal_and_of_a_path() {
        let one = id(Path::new("/a/b.jsonl"));
        assert_eq!(one.len(), 16);
        assert_ne!(one, id(Path::new("/a/c.jsonl")));
        assert!(is_like_id(&one) && is_like_id(&one[..4]));
        for other in ["", "abc", "session.jsonl", "./abcd", "ABCD12", "0123456789abcdef0"] {
            assert!(!is_like_id(other), "{other}");
        }
    }
}
