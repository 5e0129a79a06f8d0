//! Finds where a value ends, 64 bytes at a time: what is inside is not looked at. Knows quotes, escapes and
//! brackets; whether what stands between them is JSON is asked when somebody reads it.
//!
//! This is the first stage of simdjson (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019),
//! with bit masks of one block in place of a list of positions. What the processor has for that is asked at run time.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x16, u8x64};

/// Bytes looked at together: a bit each in the masks.
const BLOCK: usize = 64;
/// Bytes that every processor of a kind can look at together.
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
    escaped_end(bytes, at).map(|at| StringEnd { at, escapes: true })
}

/// Where the string ends that has its first escape at `at`.
#[inline(never)]
fn escaped_end(bytes: &[u8], at: usize) -> Option<usize> {
    if UNOPTIMISED {
        return by_steps::string_end(bytes, at);
    }
    dispatch!(Level::new(), simd => by_blocks::string_end(simd, bytes, at))
}

/// The first quote or backslash among the next 48 bytes, if so many follow.
#[inline]
pub(super) fn near(bytes: &[u8]) -> Option<usize> {
    // Whatever the processor has besides: to ask for that would take longer.
    dispatch!(Level::baseline(), simd => near_with(simd, bytes))
}

#[inline(always)]
fn near_with<S: Simd>(simd: S, bytes: &[u8]) -> Option<usize> {
    const NEAR: usize = 3;
    let (lanes, _) = bytes.as_chunks::<LANES>();
    lanes.iter().take(NEAR).enumerate().find_map(|(no, lanes)| {
        let lanes = u8x16::simd_from(simd, *lanes);
        let found = (lanes.simd_eq(b'"') | lanes.simd_eq(b'\\')).to_bitmask();
        (found != 0).then(|| no * LANES + found.trailing_zeros() as usize)
    })
}

/// Where the array or object ends whose opening bracket stands at `at`: the position behind its closing one.
pub(super) fn container_end(bytes: &[u8], at: usize) -> Option<usize> {
    if UNOPTIMISED {
        return by_steps::container_end(bytes, at);
    }
    dispatch!(Level::new(), simd => by_blocks::container_end(simd, bytes, at))
}

/// Each operation on masks is a call of its own then, while `memchr` is optimised there too: with the steps, the unit
/// tests that read sessions take 25 s in place of 39 s. Debug builds so run the other way than releases: the tests
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

    pub(in super::super) fn has_control(bytes: &[u8]) -> bool {
        bytes.iter().any(|byte| *byte < b' ')
    }
}

/// 64 bytes at a time. What is in here becomes part of who calls it, compiled for one kind of processor.
pub(super) mod by_blocks {
    use super::{BLOCK, Escapes, Simd, block, by_steps, equal, equal_but, spans, u8x64};
    use fearless_simd::prelude::*;

    #[inline(always)]
    pub(in super::super) fn has_control<S: Simd>(simd: S, bytes: &[u8]) -> bool {
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        let block_has = |block: &[u8; BLOCK]| u8x64::simd_from(simd, *block).simd_lt(b' ').any_true();
        blocks.iter().any(block_has) || by_steps::has_control(rest)
    }

    #[inline(always)]
    pub(in super::super) fn string_end<S: Simd>(simd: S, bytes: &[u8], mut at: usize) -> Option<usize> {
        let mut escapes = Escapes::default();
        loop {
            let block = block(simd, bytes, at)?;
            let quotes = equal(block, b'"') & !escapes.escaped(equal(block, b'\\'));
            if quotes != 0 {
                return Some(at + quotes.trailing_zeros() as usize);
            }
            at += BLOCK;
        }
    }

    #[inline(always)]
    pub(in super::super) fn container_end<S: Simd>(simd: S, bytes: &[u8], mut at: usize) -> Option<usize> {
        let mut escapes = Escapes::default();
        // All bits set if the block begins inside a string.
        let mut inside = 0;
        let mut depth = 0u64;
        loop {
            let block = block(simd, bytes, at)?;
            let quotes = equal(block, b'"') & !escapes.escaped(equal(block, b'\\'));
            // Most blocks by far are the middle of a long string.
            if quotes == 0 && inside != 0 {
                at += BLOCK;
                continue;
            }
            let strings = spans(quotes) ^ inside;
            inside = (strings.cast_signed() >> (BLOCK - 1)).cast_unsigned();
            // `[` and `{` differ in this bit alone, and so do `]` and `}`; nothing else becomes one of them.
            let opens = equal_but(block, 0x20, b'{') & !strings;
            let closes = equal_but(block, 0x20, b'}') & !strings;
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
        return by_steps::has_control(bytes);
    }
    dispatch!(Level::new(), simd => by_blocks::has_control(simd, bytes))
}

/// The next bytes, filled up with zeros; `None` behind the end.
#[inline(always)]
fn block<S: Simd>(simd: S, bytes: &[u8], at: usize) -> Option<u8x64<S>> {
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    if let Some(whole) = rest.first_chunk::<BLOCK>() {
        return Some(u8x64::simd_from(simd, *whole));
    }
    let mut padded = [0; BLOCK];
    padded.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    Some(u8x64::simd_from(simd, padded))
}

/// Which bytes are `byte`.
#[inline(always)]
fn equal<S: Simd>(block: u8x64<S>, byte: u8) -> u64 {
    block.simd_eq(byte).to_bitmask()
}

/// Which bytes are `byte` once the bits of `ignored` are set in them.
#[inline(always)]
fn equal_but<S: Simd>(block: u8x64<S>, ignored: u8, byte: u8) -> u64 {
    (block | ignored).simd_eq(byte).to_bitmask()
}

/// From each set bit to the next one, the first included: prefix sums without carry.
#[inline(always)]
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
    #[inline(always)]
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
