//! Whether a file is there, without taking "not allowed to look" for "not there".

use std::io::ErrorKind;
use std::path::Path;

use crate::exit::Failure;

/// Whether an ordinary file is at a path. A path that this user may not look at is an error, which names the option.
pub fn is_file(option: &str, path: &Path) -> Result<bool, Failure> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(Failure::Usage(format!(
            "{option}: expected a path that this user may read, found {}: {error}; run the command as the user that owns it",
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_looked_at_is_not_taken_for_missing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        assert!(!is_file("--home", &file).unwrap());
        std::fs::write(&file, "").unwrap();
        assert!(is_file("--home", &file).unwrap());
        assert!(!is_file("--home", &file.join("below a file")).unwrap());
        // Refused for every user, root too, as missing rights are for others.
        let refused = is_file("--home", &dir.path().join("n".repeat(300))).unwrap_err();
        assert!(
            refused.to_string().starts_with("--home: expected a path that this user may read"),
            "{refused}"
        );
    }
}
