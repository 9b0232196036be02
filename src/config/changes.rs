//! The names of the settings in which two configurations differ. Values are not shown, because one may be a secret.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Raw;

/// Names of the settings that differ, `media.video.crf`, in order.
pub fn changes(before: &Raw, after: &Raw) -> Vec<String> {
    let mut changed = changes_shown(before, after);
    let hidden = before.hidden().into_iter().zip(after.hidden());
    changed.extend(hidden.filter(|(before, after)| before != after).map(|((name, _), _)| name.to_owned()));
    changed.sort();
    changed.dedup();
    changed
}

/// Without the settings that do not show their values, or with these where the shown part differs.
fn changes_shown(before: &Raw, after: &Raw) -> Vec<String> {
    let (before, after) = (settings(before), settings(after));
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// The setting that a message about the configuration names. The rest of the message is dropped: it may hold the value.
pub fn setting_of(message: &str) -> Option<&str> {
    let message = message.strip_prefix("configuration: ").unwrap_or(message);
    let (name, _) = message.split_once(": ")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
    (name.contains('.') && name.chars().all(plain)).then_some(name)
}

/// Every setting as it is shown, by its full name.
pub(super) fn settings(raw: &Raw) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    // Every setting can be written as JSON: numbers, words, and lists and tables of them.
    flatten(String::new(), serde_json::to_value(raw).unwrap_or_default(), &mut all);
    all
}

/// Adds each value of nested tables under its full name.
fn flatten(name: String, value: Value, all: &mut BTreeMap<String, Value>) {
    let Value::Object(table) = value else {
        all.insert(name, value);
        return;
    };
    for (key, value) in table {
        let name = if name.is_empty() { key } else { format!("{name}.{key}") };
        flatten(name, value, all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_differ_are_named_without_their_values() {
        let before = Raw::default();
        let mut after = before.clone();
        assert_eq!(changes(&before, &after), [""; 0]);
        after.notices.webhook_secret = "0123456789abcdef".into();
        after.store.url = "postgres://reelgate:secret@host/db".into();
        after.notices.urls.push("file:notices".into());
        assert_eq!(changes(&before, &after), ["notices.urls", "notices.webhook_secret", "store.url"]);
    }

    #[test]
    fn the_setting_of_a_message_is_named_without_its_value() {
        let message = "configuration: engine.lease_ms: expected 1000 to 600000, found 10";
        assert_eq!(setting_of(message), Some("engine.lease_ms"));
        assert_eq!(
            setting_of("events.url: expected `sqs:QUEUE-URL`, found something else"),
            Some("events.url")
        );
        for none in ["", "configuration: unknown field: found `a.b: c`", "no connection: secret"] {
            assert_eq!(setting_of(none), None, "{none}");
        }
    }
}
