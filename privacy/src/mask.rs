//! Masked forms: enough for people to recognise their own data, too little to learn the data of others.
//!
//! The registry has a fixed rule for each identifier. Letters and digits become `*` and separators stay, unless the
//! rule hides the whole shape.

/// How the value of an identifier is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// Keeps this many letters or digits at the end, at most a quarter of the value: `************1486`.
    KeepLast(usize),
    /// Keeps this many letters or digits at the start, at most a quarter of the value: `AKIA****************`.
    KeepFirst(usize),
    /// Keeps the first character of the local part if it has more than one: `j***@***`.
    Email,
    /// Hides every letter and digit and keeps separators: `***-**-****`.
    Shape,
    /// A fixed `********`, so that not even the length is visible.
    Whole,
}

impl Mask {
    /// The masked form of `value`.
    pub fn apply(self, value: &str) -> String {
        match self {
            Mask::KeepLast(n) => {
                let total = word_chars(value);
                let keep = n.min(total / 4);
                starred(value, |i| i >= total - keep)
            }
            Mask::KeepFirst(n) => {
                let keep = n.min(word_chars(value) / 4);
                starred(value, |i| i < keep)
            }
            Mask::Email => email(value),
            Mask::Shape => starred(value, |_| false),
            Mask::Whole => "********".to_owned(),
        }
    }
}

fn word_chars(value: &str) -> usize {
    value.chars().filter(|c| c.is_alphanumeric()).count()
}

/// `value` with stars for its letters and digits, except those at the indices that `kept` accepts. Indices count
/// letters and digits only.
fn starred(value: &str, kept: impl Fn(usize) -> bool) -> String {
    let mut index = 0;
    let mut masked = String::with_capacity(value.len());
    for c in value.chars() {
        if !c.is_alphanumeric() {
            masked.push(c);
            continue;
        }
        masked.push(if kept(index) { c } else { '*' });
        index += 1;
    }
    masked
}

fn email(value: &str) -> String {
    let local = value.split('@').next().unwrap_or_default();
    let mut chars = local.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(_)) => format!("{first}***@***"),
        _ => "***@***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_keeps_exactly_what_it_states() {
        assert_eq!(Mask::KeepLast(4).apply("4539 5787 6362 1486"), "**** **** **** 1486");
        assert_eq!(Mask::KeepLast(2).apply("+1 212-555-0123"), "+* ***-***-**23");
        assert_eq!(Mask::KeepFirst(4).apply("AKIA234567ABCDEFGHIJ"), "AKIA****************");
        assert_eq!(Mask::Email.apply("jane.doe@mail.example.org"), "j***@***");
        assert_eq!(Mask::Email.apply("j@mail.example.org"), "***@***");
        assert_eq!(Mask::Shape.apply("536-90-4399"), "***-**-****");
        assert_eq!(Mask::Whole.apply("abc"), "********");
    }

    #[test]
    fn a_short_value_keeps_at_most_a_quarter() {
        assert_eq!(Mask::KeepLast(4).apply("12345678"), "******78");
        assert_eq!(Mask::KeepFirst(4).apply("abc"), "***");
        assert_eq!(Mask::KeepLast(4).apply(""), "");
    }
}
