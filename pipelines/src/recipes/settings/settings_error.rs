//! The error of a refused setting, and the check of a range.

/// A field has a value that is not allowed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("media setting `{field}`: expected {expected}, found {found}; correct it in the configuration")]
pub struct SettingsError {
    /// Path of the field below the media settings.
    pub field: String,
    /// What is allowed.
    pub expected: String,
    /// The value that was found.
    pub found: String,
}

/// Refuses `found` unless it is `min` to `max`.
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

/// The error of a field, with what was expected and what was found.
pub(super) fn wrong(field: &str, expected: &str, found: impl ToString) -> SettingsError {
    SettingsError { field: field.into(), expected: expected.into(), found: found.to_string() }
}
