//! Finds where a value ends, 64 bytes at a time: what is inside is not looked at. Knows quotes, escapes and
//! brackets; whether what stands between them is JSON is asked when somebody reads it.
//!
//! This is the first stage of simdjson (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019),
//! with bit masks of one block in place of a list of positions.

use wide::u8x16;

/// Bytes looked at together: a bit each in the masks.
const BLOCK: usize = 64;
const LANES: usize = 16;
/// The bits at even positions.
const EVEN: u64 = 0x5555_5555_5555_5555;

/// Where a string ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StringEnd {
    /// The position of its closing quote.
    pub at: usize,
    /// Whether there are escapes in it.
    pub escapes: bool,
}

/// Where the string ends whose opening quote stands before `from`.
#[inline]
pub(super) fn string_end(bytes: &[u8], from: usize) -> Option<StringEnd> {
    // Keys and ids, most strings by far, have no escapes, and end before it would pay to call somebody.
    let rest = bytes.get(from..)?;
    let near = if UNOPTIMISED { None } else { near(rest) };
    let at = from + near.or_else(|| memchr::memchr2(b'"', b'\\', rest))?;
    if bytes.get(at) == Some(&b'"') {
        return Some(StringEnd { at, escapes: false });
    }
    let end = if UNOPTIMISED { by_steps::string_end(bytes, at) } else { by_blocks::string_end(bytes, at) };
    end.map(|at| StringEnd { at, escapes: true })
}

/// The first quote or backslash among the next 48 bytes, if so many follow.
#[inline]
pub(super) fn near(bytes: &[u8]) -> Option<usize> {
    const NEAR: usize = 3;
    let (lanes, _) = bytes.as_chunks::<LANES>();
    lanes.iter().take(NEAR).enumerate().find_map(|(no, lanes)| {
        let lanes = u8x16::new(*lanes);
        let found = lanes.simd_eq(u8x16::splat(b'"')) | lanes.simd_eq(u8x16::splat(b'\\'));
        let found = found.to_bitmask();
        (found != 0).then(|| no * LANES + found.trailing_zeros() as usize)
    })
}

/// Where the array or object ends whose opening bracket stands at `at`: the position behind its closing one.
pub(super) fn container_end(bytes: &[u8], at: usize) -> Option<usize> {
    if UNOPTIMISED { by_steps::container_end(bytes, at) } else { by_blocks::container_end(bytes, at) }
}

/// Each operation on masks is a call of its own then, while `memchr` is optimised there too: with the steps, the unit
/// tests that read sessions take 7.6 s in place of 13.6 s. Debug builds so run the other way than releases: the tests
/// of this module hold both against each other, and with this set to `false` all others pass as well.
const UNOPTIMISED: bool = cfg!(debug_assertions);

/// From one byte that matters to the next.
pub(super) mod by_steps {
    pub(in super::super) fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
        loop {
            at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
            if bytes.get(at) == Some(&b'"') {
                return Some(at);
            }
            at += 2;
        }
    }

    pub(in super::super) fn container_end(bytes: &[u8], mut at: usize) -> Option<usize> {
        // Brackets of the other kind are balanced inside these, or it is no JSON.
        let (open, close) = if bytes.get(at) == Some(&b'{') { (b'{', b'}') } else { (b'[', b']') };
        let mut depth = 0u64;
        loop {
            at += memchr::memchr3(b'"', open, close, bytes.get(at..)?)?;
            match bytes.get(at)? {
                b'"' => at = string_end(bytes, at + 1)?,
                byte if *byte == open => depth += 1,
                _ => depth = depth.checked_sub(1)?,
            }
            at += 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
}

/// 64 bytes at a time.
pub(super) mod by_blocks {
    use super::{BLOCK, Escapes, block, equal, equal_but, spans};

    pub(in super::super) fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
        let mut escapes = Escapes::default();
        loop {
            let block = block(bytes, at)?;
            let quotes = equal(&block, b'"') & !escapes.escaped(equal(&block, b'\\'));
            if quotes != 0 {
                return Some(at + quotes.trailing_zeros() as usize);
            }
            at += BLOCK;
        }
    }

    pub(in super::super) fn container_end(bytes: &[u8], mut at: usize) -> Option<usize> {
        let mut escapes = Escapes::default();
        // All bits set if the block begins inside a string.
        let mut inside = 0;
        let mut depth = 0u64;
        loop {
            let block = block(bytes, at)?;
            let quotes = equal(&block, b'"') & !escapes.escaped(equal(&block, b'\\'));
            // Most blocks by far are the middle of a long string.
            if quotes == 0 && inside != 0 {
                at += BLOCK;
                continue;
            }
            let strings = spans(quotes) ^ inside;
            inside = (strings.cast_signed() >> (BLOCK - 1)).cast_unsigned();
            // `[` and `{` differ in this bit alone, and so do `]` and `}`; nothing else becomes one of them.
            let opens = equal_but(&block, 0x20, b'{') & !strings;
            let closes = equal_but(&block, 0x20, b'}') & !strings;
            if u64::from(closes.count_ones()) < depth {
                depth = depth + u64::from(opens.count_ones()) - u64::from(closes.count_ones());
            } else {
                let mut brackets = opens | closes;
                while brackets != 0 {
                    let lowest = brackets & brackets.wrapping_neg();
                    depth = if closes & lowest == 0 { depth + 1 } else { depth.checked_sub(1)? };
                    if depth == 0 {
                        return Some(at + lowest.trailing_zeros() as usize + 1);
                    }
                    brackets ^= lowest;
                }
            }
            at += BLOCK;
        }
    }
}

/// Whether any byte is a control character.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    if UNOPTIMISED {
        return bytes.iter().any(|byte| *byte < b' ');
    }
    let last = u8x16::splat(b' ' - 1);
    let has = |lanes: &[u8; LANES]| {
        let lanes = u8x16::new(*lanes);
        lanes.min(last).simd_eq(lanes)
    };
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let block_has = |block: &[u8; BLOCK]| {
        let (lanes, _) = block.as_chunks::<LANES>();
        lanes.iter().fold(u8x16::ZERO, |any, lanes| any | has(lanes)).any()
    };
    blocks.iter().any(block_has) || rest.iter().any(|byte| *byte < b' ')
}

/// The next bytes, filled up with zeros; `None` behind the end.
fn block(bytes: &[u8], at: usize) -> Option<[u8; BLOCK]> {
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    if let Some(whole) = rest.first_chunk() {
        return Some(*whole);
    }
    let mut padded = [0; BLOCK];
    padded.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    Some(padded)
}

/// Which bytes are `byte`.
fn equal(block: &[u8; BLOCK], byte: u8) -> u64 {
    compared(block, |lanes| lanes.simd_eq(u8x16::splat(byte)))
}

/// Which bytes are `byte` once the bits of `ignored` are set in them.
fn equal_but(block: &[u8; BLOCK], ignored: u8, byte: u8) -> u64 {
    compared(block, |lanes| (lanes | u8x16::splat(ignored)).simd_eq(u8x16::splat(byte)))
}

fn compared(block: &[u8; BLOCK], test: impl Fn(u8x16) -> u8x16) -> u64 {
    let (lanes, _) = block.as_chunks::<LANES>();
    lanes.iter().rev().fold(0, |mask, lanes| mask << LANES | u64::from(test(u8x16::new(*lanes)).to_bitmask()))
}

/// From each set bit to the next one, the first included: prefix sums without carry.
fn spans(mut mask: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        mask ^= mask << shift;
    }
    mask
}

/// Backslashes, from block to block.
#[derive(Default)]
struct Escapes {
    /// 1 if the first byte of the next block is escaped.
    carried: u64,
}

impl Escapes {
    /// Which bytes a backslash stands before that is not itself escaped.
    fn escaped(&mut self, backslashes: u64) -> u64 {
        if backslashes == 0 {
            return std::mem::take(&mut self.carried);
        }
        let backslashes = backslashes & !self.carried;
        let follows = backslashes << 1 | self.carried;
        let odd_starts = backslashes & !EVEN & !follows;
        // Runs that begin at odd positions are carried to their ends by the addition.
        let (even_runs, overflow) = odd_starts.overflowing_add(backslashes);
        self.carried = u64::from(overflow);
        (EVEN ^ (even_runs << 1)) & follows
    }
}
