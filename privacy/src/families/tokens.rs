//! Keys and tokens that have a prefix of their service, so that leaked ones can be found.
//!
//! Prefixes, lengths and alphabets: the services' documentation, and the rules that gitleaks (MIT) collects. A
//! token also has to look random: words and placeholders of the right shape are not keys.

use super::family::{Anchor, Family};
use crate::bytes::{before, run_end};
use crate::candidate::{Candidate, Strength};
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, SeverityRule};
use crate::mask::Mask;

pub(crate) const FAMILY: Family =
    Family { identifiers, anchor: Anchor::Number(|b| b.is_ascii_alphanumeric()), find };

const fn kind(id: &'static str) -> Kind {
    Kind { id, category: Category::Credentials }
}

const GOOGLE: Kind = kind("GCP_API_KEY");
const STRIPE: Kind = kind("STRIPE_CREDENTIALS");
const OTHER: Kind = kind("SECRET_TOKEN");

/// Macie's list.
const GOOGLE_KEYWORDS: &[&str] = &[
    "g_places_key",
    "gcp api key",
    "gcp key",
    "google cloud key",
    "google-api-key",
    "google-cloud-apikeys",
    "googlekey",
    "x-goog-api-key",
];

/// Fewest and most bytes of a token.
const LEN_MIN: usize = 20;
const LEN_MAX: usize = 255;
/// Lowest Shannon entropy after the prefix, bits per sign.
const ENTROPY_MIN: f64 = 3.0;

/// The form of a service's tokens: the prefix, and how many signs follow it.
struct Form {
    prefix: &'static str,
    least: usize,
    most: usize,
    kind: Kind,
}

const fn form(prefix: &'static str, least: usize, most: usize) -> Form {
    Form { prefix, least, most, kind: OTHER }
}

#[rustfmt::skip]
const FORMS: &[Form] = &[
    Form { prefix: "AIza", least: 35, most: 35, kind: GOOGLE },
    Form { prefix: "sk_live_", least: 16, most: 247, kind: STRIPE },
    Form { prefix: "sk_test_", least: 16, most: 247, kind: STRIPE },
    Form { prefix: "rk_live_", least: 16, most: 247, kind: STRIPE },
    Form { prefix: "rk_test_", least: 16, most: 247, kind: STRIPE },
    form("ghp_", 36, 36), form("gho_", 36, 36), form("ghu_", 36, 36), form("ghs_", 36, 36), form("ghr_", 36, 76), // GitHub
    form("github_pat_", 82, 82),
    form("glpat-", 20, 64), form("gldt-", 20, 64), form("glrt-", 20, 64), // GitLab
    form("xoxb-", 20, 200), form("xoxp-", 20, 200), form("xoxa-", 20, 200), form("xoxr-", 20, 200),
    form("xoxs-", 20, 200), form("xapp-", 20, 200), // Slack
    form("npm_", 36, 36), form("pypi-", 50, 250), form("rubygems_", 48, 48), // package registries
    form("hf_", 30, 40), form("sk-ant-", 40, 150), form("sk-proj-", 40, 200), // model services
    form("dop_v1_", 64, 64), form("dckr_pat_", 27, 36), form("lin_api_", 40, 40), // DigitalOcean, Docker, Linear
    form("shpat_", 32, 32), form("shpss_", 32, 32), form("sq0atp-", 22, 22), form("sq0csp-", 43, 43), // Shopify, Square
    form("glsa_", 32, 60), form("sntrys_", 40, 250), form("PMAK-", 59, 59), // Grafana, Sentry, Postman
    form("SG.", 60, 70), form("hvs.", 24, 200), form("ya29.", 30, 250), // SendGrid, Vault, Google OAuth
    form("AGE-SECRET-KEY-1", 58, 58), form("EAACEdEose0cBA", 20, 200), // age, Facebook
];

fn identifiers() -> Vec<Identifier> {
    let row = |kind: Kind, origin: Origin, keywords: &'static [&'static str], validation: &'static str| {
        Identifier {
            kind,
            origin,
            keyword_rule: if keywords.is_empty() { KeywordRule::NotNeeded } else { KeywordRule::Helps },
            keywords,
            validation,
            severity: SeverityRule::HIGH,
            mask: Mask::Whole,
        }
    };
    vec![
        row(GOOGLE, Origin::Macie, GOOGLE_KEYWORDS, "prefix, 39 characters, random"),
        row(STRIPE, Origin::Macie, &[], "prefix and mode, length, random"),
        row(OTHER, Origin::Reelgate, &[], "prefix of a known service, its length, random"),
    ]
}

fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
}

/// The token around the word at `word`.
fn find(text: &[u8], word: usize) -> Option<Candidate> {
    let back = |from: usize, most: usize| {
        from - text[..from].iter().rev().take(most).take_while(|b| is_token_byte(**b)).count()
    };
    let start = if matches!(before(text, word), Some(b'_' | b'-')) { back(word, LEN_MAX) } else { word };
    if run_end(text, start, LEN_MIN, is_token_byte) - start < LEN_MIN {
        return None;
    }
    let dotted = (before(text, start) == Some(b'.')).then(|| back(start - 1, 8));
    dotted.into_iter().chain([start]).find_map(|start| token(text, start))
}

fn token(text: &[u8], start: usize) -> Option<Candidate> {
    let form = FORMS.iter().find(|form| text[start..].starts_with(form.prefix.as_bytes()))?;
    let body = start + form.prefix.len();
    let dots = form.prefix.ends_with('.');
    let end = run_end(text, body, LEN_MAX + 1, |b| is_token_byte(b) || (dots && b == b'.'));
    let sound = (form.least..=form.most).contains(&(end - body)) && entropy(&text[body..end]) >= ENTROPY_MIN;
    sound.then(|| Candidate::helped(start, end, Strength::Format, form.kind, 98, 95))
}

/// Shannon entropy of the bytes, bits per byte.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    bytes.iter().for_each(|b| counts[usize::from(*b)] += 1);
    let total = bytes.len().max(1) as f64;
    let share = |count: &u32| {
        let p = f64::from(*count) / total;
        -p * p.log2()
    };
    counts.iter().filter(|count| **count > 0).map(share).sum()
}

#[cfg(test)]
mod tests {
    use crate::families::tests::{found, pieces};

    const BODY: &str = "k3Jd8sLq0ZxVb7NmTy2RwEu5HgPa9CfXo4Ti"; // 36 signs, invented

    #[test]
    fn tokens_are_found_by_prefix_length_and_randomness() {
        for (token, id) in [
            (format!("ghp_{BODY}"), "SECRET_TOKEN"),
            (format!("glpat-{}", &BODY[..20]), "SECRET_TOKEN"),
            (format!("xoxb-{}-{}", "2847561930", &BODY[..24]), "SECRET_TOKEN"),
            (format!("SG.{}.{BODY}-abcdef", &BODY[..22]), "SECRET_TOKEN"),
            (format!("sk_live_{}", &BODY[..24]), "STRIPE_CREDENTIALS"),
            (format!("AIza{}", &BODY[..35]), "GCP_API_KEY"),
        ] {
            assert_eq!((found(&format!("key={token}\"")), pieces(&token)), (vec![id], vec![token.clone()]));
        }
    }

    #[test]
    fn placeholders_wrong_lengths_and_words_are_no_tokens() {
        for text in [
            format!("ghp_{}1", "x".repeat(35)),
            format!("ghp_{}", &BODY[..35]),
            format!("ghp_{BODY}0"),
            format!("sk_live_{}", "1".repeat(24)),
            "npm_run_build_and_then_test_everything_42".to_owned(),
            "hf_2".to_owned(),
        ] {
            assert_eq!(found(&text), [""; 0], "{text}");
        }
    }
}
