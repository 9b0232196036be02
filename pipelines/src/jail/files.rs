//! Landlock: the worker gives up every right that landlock knows. The file rights of landlock's first version (Linux
//! 5.13) are a hard requirement. Later rights (rename across folders, truncate, TCP, device ioctls, abstract sockets,
//! signals) are given up where the kernel knows them. Debian 12's stock kernel has version 2, without TCP; there the
//! filter of system calls is what forbids sockets.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope,
};

use super::error::JailError;

/// The version whose rights must be enforceable.
pub(super) const REQUIRED: ABI = ABI::V1;
/// The version up to which rights are given up where the kernel knows them.
pub(super) const WANTED: ABI = ABI::V6;

pub(super) fn restrict() -> Result<(), JailError> {
    let required = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(REQUIRED))?
        .set_compatibility(CompatLevel::BestEffort);
    let status = required
        .handle_access(AccessFs::from_all(WANTED))?
        .handle_access(AccessNet::from_all(WANTED))?
        .scope(Scope::from_all(WANTED))?
        .create()?
        .restrict_self()?;
    if status.ruleset == RulesetStatus::NotEnforced { Err(JailError::NoLandlock) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_required_rights_are_these() {
        let required: Vec<String> =
            AccessFs::from_all(REQUIRED).iter().map(|right| format!("{right:?}")).collect();
        let expected = [
            "Execute",
            "WriteFile",
            "ReadFile",
            "ReadDir",
            "RemoveDir",
            "RemoveFile",
            "MakeChar",
            "MakeDir",
            "MakeReg",
            "MakeSock",
            "MakeFifo",
            "MakeBlock",
            "MakeSym",
        ];
        assert_eq!(required, expected);
    }

    #[test]
    fn a_restricted_thread_opens_no_file() {
        let restricted = std::thread::spawn(|| {
            restrict().unwrap();
            std::fs::File::open("/dev/null").unwrap_err().kind()
        });
        assert_eq!(restricted.join().unwrap(), std::io::ErrorKind::PermissionDenied);
        assert!(std::fs::File::open("/dev/null").is_ok(), "other threads are not restricted");
    }
}
