//! A layer of the configuration whose values come as texts: the environment and the Parameter Store.

use std::collections::BTreeSet;

use figment::providers::{Env, Serialized};
use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};

use super::Raw;
use super::changes::settings;

/// Environment variables of one prefix; two underscores separate levels: `REELGATE__MEDIA__VIDEO__CRF`.
pub struct Environment(Env);

impl Environment {
    pub fn of_prefix(prefix: &str) -> Self {
        Self(Env::prefixed(prefix).split("__"))
    }
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        self.0.metadata()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        values_of_texts(self.0.iter().map(|(key, text)| (key.to_string(), text)))
    }
}

/// Values by the full names of their keys, `media.video.crf`. The value of a key that holds text stays as it is: a password
/// of digits must keep its zeros, and must not become a number that an error would quote. The form of any other text decides
/// whether it is a number, a boolean or a list.
#[expect(
    clippy::result_large_err,
    reason = "the error of figment's `Provider`, which its callers must return"
)]
pub fn values_of_texts(
    texts: impl IntoIterator<Item = (String, String)>,
) -> Result<Map<Profile, Dict>, Error> {
    let (keys_of_text, mut dict) = (keys_of_text(), Dict::new());
    for (key, text) in texts {
        let parsed: Value = text.parse().unwrap_or_else(|never| match never {});
        let value = match parsed {
            // Quotes around the text are not part of it.
            Value::String(..) => parsed,
            _ if keys_of_text.contains(&key) => Value::from(text),
            _ => parsed,
        };
        for (_, nested) in Serialized::default(&key, value).data()? {
            merge(&mut dict, nested);
        }
    }
    Ok(Profile::Default.collect(dict))
}

/// Merges one tree of values into another and overrides its values.
fn merge(over: &mut Dict, from: Dict) {
    for (key, value) in from {
        match (over.get_mut(&key), value) {
            (Some(Value::Dict(_, old)), Value::Dict(_, new)) => merge(old, new),
            (_, value) => drop(over.insert(key, value)),
        }
    }
}

/// The keys whose default is text.
pub(super) fn keys_of_text() -> BTreeSet<String> {
    let settings = settings(&Raw::default()).into_iter();
    settings.filter(|(_, value)| value.is_string()).map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use figment::Figment;

    use super::*;

    #[test]
    fn text_of_digits_stays_text_and_other_values_have_the_type_of_their_form() {
        let texts = [
            ("notices.webhook_secret", "0012345678901234"),
            ("node.name", "1e3"),
            ("node.cloudwatch_fleet", "\"quoted\""),
            ("aws.region", "[a]"),
            ("media.video.crf", "19"),
            ("node.self_test", "false"),
            ("node.roles", "[\"intake\"]"),
        ];
        let texts = texts.map(|(key, text)| (key.to_owned(), text.to_owned()));
        let layer = values_of_texts(texts).unwrap().remove(&Profile::Default).unwrap();
        let figment = Figment::from(Serialized::defaults(Raw::default())).merge(Serialized::defaults(layer));
        let raw: Raw = figment.extract().unwrap();
        assert_eq!(raw.notices.webhook_secret.reveal(), "0012345678901234");
        assert_eq!((raw.node.name.as_str(), raw.node.cloudwatch_fleet.as_str()), ("1e3", "quoted"));
        assert_eq!((raw.aws.region.as_str(), raw.media.video.crf, raw.node.self_test), ("[a]", 19, false));
        assert_eq!(raw.node.roles, ["intake"]);
    }
}
