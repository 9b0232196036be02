//! A setting that is refused, and the two checks that refuse one.

/// A field out of its range.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("media setting `{field}`: expected {expected}, found {found}; correct it in the configuration")]
pub struct SettingsError {
    /// Path of the field below the media settings.
    pub field: String,
    /// What is allowed.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// Refuses `found` where it is not `min` to `max`.
pub(super) fn within<T: PartialOrd + core::fmt::Display>(
    field: &str,
    found: T,
    min: T,
    max: T,
) -> Result<(), SettingsError> {
    if found < min || found > max {
        return Err(wrong(field, &format!("{min} to {max}"), found));
    }
    Ok(())
}

/// Says of a field what was expected and what was found.
pub(super) fn wrong(field: &str, expected: &str, found: impl ToString) -> SettingsError {
    SettingsError { field: field.into(), expected: expected.into(), found: found.to_string() }
}
