//! Tokens, and what they cost.

/// Tokens used, in tokens; 0 where the agent recorded none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Fresh input, not from any cache.
    pub input: u64,
    /// Output, thinking included.
    pub output: u64,
    /// Input read from the cache.
    pub cache_read: u64,
    /// Input written to the cache.
    pub cache_write: u64,
}

impl std::ops::Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }
}

impl std::ops::Sub for Usage {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.with(other, u64::saturating_sub)
    }
}

impl Usage {
    fn with(self, other: Self, of_both: fn(u64, u64) -> u64) -> Self {
        Self {
            input: of_both(self.input, other.input),
            output: of_both(self.output, other.output),
            cache_read: of_both(self.cache_read, other.cache_read),
            cache_write: of_both(self.cache_write, other.cache_write),
        }
    }

    /// All tokens together.
    pub fn total(&self) -> u64 {
        self.input + self.output + self.cache_read + self.cache_write
    }
}

/// What tokens cost, in billionths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// What those tokens cost whose price is known.
    pub nanodollars: u64,
    /// Tokens whose price is not known.
    pub unpriced: u64,
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }
}

impl std::ops::Sub for Cost {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.with(other, u64::saturating_sub)
    }
}

impl Cost {
    fn with(self, other: Self, of_both: fn(u64, u64) -> u64) -> Self {
        Self {
            nanodollars: of_both(self.nanodollars, other.nanodollars),
            unpriced: of_both(self.unpriced, other.unpriced),
        }
    }

    /// In US dollars; `None` if nothing was used, or the price of any of it is not known.
    pub fn dollars(self) -> Option<f64> {
        (self.unpriced == 0 && self.nanodollars > 0).then(|| self.nanodollars as f64 / 1e9)
    }
}
