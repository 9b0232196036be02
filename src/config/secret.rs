//! Texts of the configuration that may hold a secret. Their types show themselves without it, wherever they are written:
//! in `--print-config`, in an error, in the log, in a panic. Only `reveal` gives the whole text.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is shown in place of a secret.
pub const HIDDEN: &str = "***";

/// Declares a text that is shown through a function.
macro_rules! hidden_text {
    ($(#[$doc:meta])* $name:ident, $shown:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Default)]
        pub struct $name(String);

        impl $name {
            /// The whole text, for whoever uses it. Never for a message.
            pub fn reveal(&self) -> &str {
                &self.0
            }

            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&$shown(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Text).map(Self)
            }
        }
    };
}

hidden_text!(
    /// A password, a key or a token: nothing of it is shown.
    Secret,
    nothing_of
);

hidden_text!(
    /// An address that may hold a secret: user, password, query, and the path of a web address are not shown. Other texts
    /// are shown only where a prefix says that they are a name or a file.
    SecretUrl,
    url
);

hidden_text!(
    /// As [`SecretUrl`], but a text that is no address is a path, and is shown.
    SecretUrlOrPath,
    url_or_path
);

fn nothing_of(text: &str) -> String {
    if text.is_empty() { String::new() } else { HIDDEN.to_owned() }
}

fn url(text: &str) -> String {
    let is_name = ["sqlite:", "file:", "sns:", "eventbridge:"].iter().any(|prefix| text.starts_with(prefix));
    if is_name || text.contains("://") { url_or_path(text) } else { nothing_of(text) }
}

fn url_or_path(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, rest)) => address(scheme, rest),
        None => text.to_owned(),
    }
}

fn address(scheme: &str, rest: &str) -> String {
    // A password may contain every other separator, so the last `@` decides.
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, rest),
    };
    let user = match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
        None => String::new(),
        Some((name, "")) if scheme.starts_with("postgres") => format!("{name}@"),
        Some((name, _)) if scheme.starts_with("postgres") => format!("{name}:{HIDDEN}@"),
        // A user without a password is a token there.
        Some(_) => format!("{HIDDEN}@"),
    };
    let (place, query) = place.split_at(place.find(['?', '#']).unwrap_or(place.len()));
    let (host, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    let path = match scheme {
        // Receivers of web requests take tokens as a part of the path.
        "http" | "https" if path.len() > 1 => format!("/{HIDDEN}"),
        _ => path.to_owned(),
    };
    let parameter = |one| if is_ssl_mode(one) { one } else { HIDDEN };
    let query = match query.strip_prefix('?') {
        Some(query) => format!("?{}", query.split('&').map(parameter).collect::<Vec<_>>().join("&")),
        None if query.is_empty() => String::new(),
        None => format!("#{HIDDEN}"),
    };
    format!("{scheme}://{user}{host}{path}{query}")
}

/// The one parameter of a database's address that an operator must see to know whether the connection is safe.
fn is_ssl_mode(parameter: &str) -> bool {
    let mode = parameter.strip_prefix("sslmode=");
    mode.is_some_and(|mode| mode.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
}

/// Accepts text only. The errors of serde's own visitor quote what they found.
struct Text;

/// Refuses values of another type without quoting them.
macro_rules! refuse {
    ($($visit:ident($type:ty) $found:literal;)*) => {
        $(fn $visit<E: Error>(self, _: $type) -> Result<String, E> {
            Err(E::custom(concat!("expected text in quotes, found ", $found)))
        })*
    };
}

impl<'de> Visitor<'de> for Text {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    refuse! {
        visit_bool(bool) "true or false";
        visit_i64(i64) "a number";
        visit_i128(i128) "a number";
        visit_u64(u64) "a number";
        visit_u128(u128) "a number";
        visit_f64(f64) "a number";
        visit_bytes(&[u8]) "bytes";
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(A::Error::custom("expected text in quotes, found a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(A::Error::custom("expected text in quotes, found a table"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        for (given, shown) in [
            ("", ""),
            (
                "postgres://reelgate@db.internal:5432/reelgate?sslmode=verify-full",
                "postgres://reelgate@db.internal:5432/reelgate?sslmode=verify-full",
            ),
            (
                "postgres://reelgate:sesame@db/reelgate?sslmode=require&password=sesame",
                "postgres://reelgate:***@db/reelgate?sslmode=require&***",
            ),
            ("postgres://reelgate:se/sa?m#e@db/reelgate", "postgres://reelgate:***@db/reelgate"),
            ("postgres://reelgate:sesame@open@db/reelgate", "postgres://reelgate:***@db/reelgate"),
            ("postgres://db/reelgate?sslmode=Sesame1", "postgres://db/reelgate?***"),
            ("https://hooks.example.com/services/sesame", "https://hooks.example.com/***"),
            ("https://hooks.example.com/", "https://hooks.example.com/"),
            ("https://sesame@hooks.example.com?key=sesame", "https://***@hooks.example.com?***"),
            ("http://127.0.0.1:4318#sesame", "http://127.0.0.1:4318#***"),
            ("sqlite:/var/lib/reelgate.sqlite", "sqlite:/var/lib/reelgate.sqlite"),
            (
                "sns:arn:aws:sns:eu-west-1:123456789012:notices",
                "sns:arn:aws:sns:eu-west-1:123456789012:notices",
            ),
            ("sesame", "***"),
            ("reelgate:sesame@db/reelgate", "***"),
        ] {
            let url = SecretUrl::from(given);
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
            assert_eq!(serde_json::to_value(&url).unwrap(), shown);
            assert_eq!(url.reveal(), given);
        }
        for (given, shown) in [
            ("incoming", "incoming"),
            ("s3://videos/production", "s3://videos/production"),
            ("s3://key:sesame@videos/production", "s3://***@videos/production"),
            (
                "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/uploads",
                "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/uploads",
            ),
        ] {
            assert_eq!(SecretUrlOrPath::from(given).to_string(), shown);
        }
    }

    #[test]
    fn nothing_of_a_secret_is_shown() {
        let secret = Secret::from("sesame");
        assert_eq!(
            (secret.to_string(), format!("{secret:?}"), secret.reveal()),
            (HIDDEN.into(), HIDDEN.into(), "sesame")
        );
        assert_eq!(serde_json::to_value(&secret).unwrap(), HIDDEN);
        assert_eq!(Secret::default().to_string(), "", "whether it is set may be seen");
    }

    #[test]
    fn a_value_that_is_no_text_is_refused_without_being_quoted() {
        for value in ["4711471147114711", "-4711", "47.11", "true", "[4711]", "{\"a\": 4711}"] {
            let error = serde_json::from_str::<Secret>(value).unwrap_err().to_string();
            assert!(error.contains("expected text in quotes") && !error.contains("47"), "{error}");
        }
    }
}
