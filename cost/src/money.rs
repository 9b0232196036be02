//! Money: a whole number of nano-dollars.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Nano-dollars in a dollar.
const DOLLAR: i64 = 1_000_000_000;
/// Digits behind the decimal point of a dollar.
const DECIMALS: usize = 9;

/// An amount of US dollars as nano-dollars (10⁻⁹), at most about nine billion dollars.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(i64);

/// Why an amount is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MoneyError {
    /// The text is no amount.
    #[error("expected an amount of US dollars such as 0.0188 with at most nine decimals, found `{0}`")]
    Text(String),
    /// The number has no room.
    #[error("expected an amount of at most nine billion US dollars, found a larger one")]
    TooLarge,
}

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(i64::MAX);

    /// This many nano-dollars.
    pub const fn new(nanos: i64) -> Self {
        Self(nanos)
    }

    /// How many nano-dollars it is.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Parses dollars, such as `0.0188`, without passing through a floating-point number.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let wrong = || MoneyError::Text(text.chars().take(40).collect());
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || text.ends_with('.') || !digits(whole) || !digits(decimals) {
            return Err(wrong());
        }
        if decimals.len() > DECIMALS {
            return Err(wrong());
        }
        let whole: i64 = whole.parse().map_err(|_| MoneyError::TooLarge)?;
        let decimals: i64 = format!("{decimals:0<DECIMALS$}").parse().map_err(|_| wrong())?;
        let nanos = whole.checked_mul(DOLLAR).and_then(|nanos| nanos.checked_add(decimals));
        nanos.map(Self).ok_or(MoneyError::TooLarge)
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyError::TooLarge)
    }

    /// The difference; negative if `other` is larger.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyError::TooLarge)
    }

    /// The sum of amounts.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }
}

/// Exact: `$0.0188`, with at least two decimals and no more than it needs.
impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let decimals = format!("{:09}", nanos % DOLLAR.unsigned_abs());
        let needed = decimals.trim_end_matches('0').len().max(2);
        let text = format!("{sign}${}.{}", nanos / DOLLAR.unsigned_abs(), &decimals[..needed]);
        f.pad(&text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_parsed_exactly_and_written_back() {
        for (text, nanos, written) in [
            ("0", 0, "$0.00"),
            ("1", 1_000_000_000, "$1.00"),
            ("0.0188", 18_800_000, "$0.0188"),
            ("0.000000001", 1, "$0.000000001"),
            ("12.5", 12_500_000_000, "$12.50"),
            ("9223372036.854775807", i64::MAX, "$9223372036.854775807"),
        ] {
            let money = NanoUsd::parse(text).unwrap();
            assert_eq!((money.nanos(), money.to_string().as_str()), (nanos, written), "{text}");
        }
        assert_eq!(NanoUsd::new(-5_000_000).to_string(), "-$0.005");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", ".", "1.", ".5", "-1", "+1", "1e3", "0.0000000001", "1,5", "$1", " 1", "one", "1.2.3"]
        {
            assert!(matches!(NanoUsd::parse(text), Err(MoneyError::Text(_))), "{text}");
        }
        for text in ["9223372036.854775808", "99999999999999999999"] {
            assert_eq!(NanoUsd::parse(text), Err(MoneyError::TooLarge), "{text}");
        }
    }

    #[test]
    fn a_sum_that_has_no_room_is_an_error() {
        assert_eq!(NanoUsd::MAX.plus(NanoUsd::new(1)), Err(MoneyError::TooLarge));
        assert_eq!(NanoUsd::new(i64::MIN).minus(NanoUsd::new(1)), Err(MoneyError::TooLarge));
        assert_eq!(NanoUsd::sum([NanoUsd::new(2), NanoUsd::new(3)]), Ok(NanoUsd::new(5)));
    }
}
