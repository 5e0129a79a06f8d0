//! What tokens cost: the list prices of the providers' interfaces, and the day they were read. A model that stands in
//! no row here has no price, and a session that used one shows no cost: half a sum would be a lie.
//!
//! Sources: <https://platform.claude.com/docs/en/about-claude/pricing> and
//! <https://developers.openai.com/api/docs/pricing>. Prices of the standard tier; tools that are paid by the call, and
//! what a subscription makes of it, are not in them.

use jiff::Timestamp;

use super::model::{Cost, Usage};

/// The day on which all prices here were last held against their sources.
pub const AS_OF: &str = "2026-11-05";

/// Prices in thousandths of a US dollar for a million tokens.
#[derive(Clone, Copy, Debug)]
struct Rates {
    input: u64,
    output: u64,
    cache_read: u64,
    /// Kept for five minutes, which is what is asked for unless a record says otherwise.
    cache_write: u64,
    /// Kept for an hour.
    hour_write: u64,
}

/// Prices of some models.
#[derive(Debug)]
struct Row {
    /// As they are named without provider and date, with `-` for `.`.
    models: &'static [&'static str],
    /// The day from which these prices hold; empty: since the models are there.
    since: &'static str,
    /// Tokens of the longest prompt, cached or not, that these prices are for.
    longest: u64,
    rates: Rates,
}

/// Prices of Anthropic: input, output, read from the cache. Writing costs 1.25 × and 2 × what input does.
const fn anthropic(input: u64, output: u64, cache_read: u64) -> Rates {
    Rates { input, output, cache_read, cache_write: input + input / 4, hour_write: input * 2 }
}

/// Prices of OpenAI: input, output. Reading from the cache costs a tenth of what input does, writing nothing more.
const fn openai(input: u64, output: u64) -> Rates {
    Rates { input, output, cache_read: input / 10, cache_write: input, hour_write: input }
}

const fn row(models: &'static [&'static str], rates: Rates) -> Row {
    Row { models, since: "", longest: u64::MAX, rates }
}

/// The first row that fits counts: later days and shorter prompts stand before the others.
static ROWS: &[Row] = &[
    row(&["claude-fable-5-1", "claude-mythos-5-1"], anthropic(10_000, 50_000, 250)),
    row(&["claude-fable-5", "claude-mythos-5"], anthropic(10_000, 50_000, 1_000)),
    row(&["claude-opus-5-5"], anthropic(4_000, 20_000, 200)),
    row(
        &["claude-opus-5", "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-6", "claude-opus-4-5"],
        anthropic(5_000, 25_000, 500),
    ),
    row(&["claude-opus-4-1", "claude-opus-4", "claude-opus-4-0"], anthropic(15_000, 75_000, 1_500)),
    Row { since: "2026-10-07", ..row(&["claude-sonnet-5-5"], anthropic(2_000, 10_000, 100)) },
    row(&["claude-sonnet-5-5", "claude-sonnet-5"], anthropic(2_000, 10_000, 200)),
    row(&["claude-sonnet-4-6"], anthropic(3_000, 15_000, 300)),
    // Longer prompts had another price while they were a trial.
    Row {
        longest: 200_000,
        ..row(
            &["claude-sonnet-4-5", "claude-sonnet-4", "claude-sonnet-4-0", "claude-3-7-sonnet"],
            anthropic(3_000, 15_000, 300),
        )
    },
    Row { longest: 100_000, ..row(&["claude-haiku-5-5"], anthropic(100, 500, 10)) },
    row(&["claude-haiku-5-5"], anthropic(500, 2_500, 50)),
    row(&["claude-haiku-4-5"], anthropic(1_000, 5_000, 100)),
    row(&["claude-3-5-haiku"], anthropic(800, 4_000, 80)),
    row(&["gpt-5-2", "gpt-5-2-codex", "gpt-5-3-codex"], openai(1_750, 14_000)),
    row(&["gpt-5", "gpt-5-codex", "gpt-5-1", "gpt-5-1-codex", "gpt-5-1-codex-max"], openai(1_250, 10_000)),
    row(&["gpt-5-mini", "gpt-5-1-codex-mini"], openai(250, 2_000)),
];

/// What was asked of the provider.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    /// One request, of whose writes to the cache so many tokens are kept for an hour.
    Once { hour_write: u64 },
    /// Many, of which the sum alone is known.
    Often,
}

/// The prices of the model asked for last: a session asks for the same one thousands of times.
#[derive(Debug, Default)]
pub(crate) struct Prices {
    model: String,
    rows: Vec<&'static Row>,
}

impl Prices {
    /// What these tokens cost of this model at this time. Without a time, the latest price.
    pub(crate) fn cost(&mut self, model: &str, at: Option<Timestamp>, usage: Usage, asked: Asked) -> Cost {
        if self.model != model {
            let name = plain(model);
            self.rows = ROWS.iter().filter(|row| row.models.contains(&name.as_str())).collect();
            self.model = model.to_owned();
        }
        cost(&self.rows, at, usage, asked)
    }
}

/// What these tokens cost of the model with these rows.
fn cost(rows: &[&Row], at: Option<Timestamp>, usage: Usage, asked: Asked) -> Cost {
    let unpriced = Cost { nanodollars: 0, unpriced: usage.total() };
    let prompt = usage.input + usage.cache_read + usage.cache_write;
    let fits = |row: &&&Row| {
        at.is_none_or(|at| row.since.is_empty() || at.to_string().as_str() >= row.since)
            && (row.longest == u64::MAX || matches!(asked, Asked::Once { .. }) && prompt <= row.longest)
    };
    let Some(row) = rows.iter().find(fits) else { return unpriced };
    // The sum of many is priced by no row that knows another price for some of them.
    if matches!(asked, Asked::Often) && rows.iter().any(|row| row.longest != u64::MAX) {
        return unpriced;
    }
    let hour_write = match asked {
        Asked::Once { hour_write } => hour_write.min(usage.cache_write),
        Asked::Often => 0,
    };
    let Rates { input, output, cache_read, cache_write, hour_write: hour } = row.rates;
    let parts = [
        (usage.input, input),
        (usage.output, output),
        (usage.cache_read, cache_read),
        (usage.cache_write - hour_write, cache_write),
        (hour_write, hour),
    ];
    // Thousandths of a dollar for a million tokens are billionths for one.
    let nanodollars =
        parts.into_iter().fold(0_u64, |sum, (n, rate)| sum.saturating_add(n.saturating_mul(rate)));
    Cost { nanodollars, unpriced: 0 }
}

/// A model's name without its provider, its date and what it was asked to be: `anthropic/claude-opus-4.5-20251101` and
/// `claude-opus-4-5[1m]` are `claude-opus-4-5`.
fn plain(model: &str) -> String {
    let model = model.rsplit('/').next().unwrap_or_default();
    let model = model.split(['[', '@', ':']).next().unwrap_or_default();
    let model = model.trim().to_ascii_lowercase().replace('.', "-");
    let undated = match model.rsplit_once('-') {
        Some((name, "latest")) => name,
        Some((name, date)) if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => model.as_str(),
    };
    undated.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONCE: Asked = Asked::Once { hour_write: 0 };

    fn million(of: impl FnOnce(&mut Usage) -> &mut u64) -> Usage {
        let mut usage = Usage::default();
        *of(&mut usage) = 1_000_000;
        usage
    }

    fn cost(model: &str, at: Option<Timestamp>, usage: Usage, asked: Asked) -> Cost {
        Prices::default().cost(model, at, usage, asked)
    }

    fn dollars(model: &str, at: &str, usage: Usage, asked: Asked) -> Option<f64> {
        let at = (!at.is_empty()).then(|| at.parse().expect("a time"));
        cost(model, at, usage, asked).dollars()
    }

    #[test]
    fn each_kind_of_token_has_its_price_and_a_model_is_known_under_all_its_names() {
        let opus = "claude-opus-4-5-20251101";
        for (usage, want) in [
            (million(|u| &mut u.input), 5.0),
            (million(|u| &mut u.output), 25.0),
            (million(|u| &mut u.cache_read), 0.5),
            (million(|u| &mut u.cache_write), 6.25),
        ] {
            assert_eq!(dollars(opus, "", usage, ONCE), Some(want), "{usage:?}");
        }
        let written = million(|u| &mut u.cache_write);
        assert_eq!(dollars(opus, "", written, Asked::Once { hour_write: 1_000_000 }), Some(10.0));
        assert_eq!(dollars(opus, "", written, Asked::Once { hour_write: 400_000 }), Some(7.75));
        for name in
            ["claude-opus-4-5", "anthropic/claude-opus-4.5", "claude-opus-4-5[1m]", "Claude-Opus-4-5-latest"]
        {
            assert_eq!(dollars(name, "", million(|u| &mut u.input), ONCE), Some(5.0), "{name}");
        }
        assert_eq!(dollars("gpt-5.1-codex", "", million(|u| &mut u.cache_read), Asked::Often), Some(0.125));
    }

    #[test]
    fn a_price_holds_from_its_day_and_up_to_its_length() {
        let read = million(|u| &mut u.cache_read);
        assert_eq!(dollars("claude-sonnet-5-5", "2026-10-06T23:59:59Z", read, ONCE), Some(0.2));
        assert_eq!(dollars("claude-sonnet-5-5", "2026-10-07T00:00:00Z", read, ONCE), Some(0.1));
        assert_eq!(dollars("claude-sonnet-5-5", "", read, ONCE), Some(0.1));
        let prompt = |input| Usage { input, ..Usage::default() };
        assert_eq!(dollars("claude-haiku-5-5", "", prompt(100_000), ONCE), Some(0.01));
        assert_eq!(dollars("claude-haiku-5-5", "", prompt(100_001), ONCE), Some(0.050_000_5));
        assert_eq!(dollars("claude-sonnet-4-5", "", prompt(200_001), ONCE), None);
        for of_several in ["claude-haiku-5-5", "claude-sonnet-4-5"] {
            assert_eq!(dollars(of_several, "", prompt(1_000), Asked::Often), None, "{of_several}");
        }
    }

    #[test]
    fn what_is_not_known_has_no_price_and_spoils_the_sum() {
        let used = million(|u| &mut u.output);
        for model in ["", "kimi-k2.7-code", "claude-opus-9", "gpt-5.1-nano", "claude-opus-4-5-turbo"] {
            assert_eq!(dollars(model, "", used, ONCE), None, "{model}");
        }
        let known = cost("claude-opus-4-5", None, used, ONCE);
        let both = known + cost("nobody's", None, used, ONCE);
        assert_eq!(both.dollars(), None);
        assert_eq!((both - cost("nobody's", None, used, ONCE)).dollars(), Some(25.0));
        assert_eq!(Cost::default().dollars(), None, "nothing used");
    }

    #[test]
    fn no_model_stands_in_two_rows_that_both_fit() {
        for (at, row) in ROWS.iter().enumerate() {
            for model in row.models {
                assert_eq!(*model, plain(model), "as it is looked up");
                let hidden = ROWS[..at].iter().any(|before| {
                    before.models.contains(model) && before.since.is_empty() && before.longest == u64::MAX
                });
                assert!(!hidden, "{model} is never looked up in its second row");
            }
        }
    }
}
