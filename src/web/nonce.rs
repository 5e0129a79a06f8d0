//! What a page alone can say: how a probe tells it from any other that a public URL may lead to.

/// A secret of one server.
#[derive(Clone)]
pub struct Nonce([u8; 32]);

impl Nonce {
    /// A fresh one from the system's random numbers.
    ///
    /// # Errors
    /// If the system has none to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self(key))
    }

    /// The answer to a challenge: the same for the same, and no cache on the way has that of a new one.
    pub fn answer(&self, challenge: &str) -> String {
        blake3::keyed_hash(&self.0, challenge.as_bytes()).to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_server_gives_the_same_answer_and_only_to_the_same_challenge() {
        let (one, other) = (Nonce::random().unwrap(), Nonce::random().unwrap());
        assert_eq!(one.answer("a"), one.answer("a"));
        assert_ne!(one.answer("a"), one.answer("b"));
        assert_ne!(one.answer("a"), other.answer("a"));
    }
}
