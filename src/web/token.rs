//! The secret in a share's URL.

use std::fmt;

use data_encoding::BASE32_NOPAD;

/// 128 random bits: whoever has it may see the page. Not a UUID: those of version 7 tell the time.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A fresh one from the system's random numbers.
    ///
    /// # Errors
    /// If the system has none to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bits = [0u8; 16];
        getrandom::fill(&mut bits)?;
        Ok(Self(BASE32_NOPAD.encode(&bits).to_ascii_lowercase()))
    }

    /// One that was stored.
    pub fn stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it stands in the URL: 26 of `a-z2-7`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `given` is this token, in time that does not depend on where they differ.
    pub fn matches(&self, given: &str) -> bool {
        let (ours, given) = (blake3::hash(self.0.as_bytes()), blake3::hash(given.as_bytes()));
        // `blake3::Hash` compares in constant time.
        ours == given
    }
}

/// A token is a secret: logs get its first characters at the most.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}…)", self.0.get(..4).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn tokens_are_26_characters_and_never_twice_the_same() {
        let all: BTreeSet<_> = (0..1000).map(|_| Token::random().unwrap().as_str().to_owned()).collect();
        assert_eq!(all.len(), 1000);
        assert!(all.iter().all(|token| token.len() == 26
            && token.bytes().all(|b| b"abcdefghijklmnopqrstuvwxyz234567".contains(&b))));
    }

    #[test]
    fn only_the_very_token_matches_and_none_is_logged() {
        let token = Token::random().unwrap();
        assert!(token.matches(token.as_str()));
        for wrong in
            ["", &token.as_str()[1..], &token.as_str().to_ascii_uppercase(), &format!("{}a", token.as_str())]
        {
            assert!(!token.matches(wrong), "{wrong}");
        }
        assert!(!format!("{token:?}").contains(token.as_str()));
    }
}
