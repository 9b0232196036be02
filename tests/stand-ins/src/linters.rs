//! The linters of CloudFormation, as the set-up script installed them.

use std::path::PathBuf;

use crate::home;

/// The folder of cfn-lint's programs, a Python among them that has its modules.
///
/// # Panics
/// If it is not installed.
pub fn cfn_lint() -> PathBuf {
    home::of("cfn-lint", "--with-tests").join("bin")
}

/// The program checkov.
///
/// # Panics
/// If it is not installed.
pub fn checkov() -> PathBuf {
    home::of("checkov", "--with-tests").join("bin/checkov")
}

/// The program cfn-guard, and the folder with the proactive controls of AWS Control Tower.
///
/// # Panics
/// If they are not installed.
pub fn cfn_guard() -> (PathBuf, PathBuf) {
    let package = home::of("guard", "--with-tests").join("node_modules/@cdklabs/cdk-validator-cfnguard");
    let program = format!("bin/ubuntu/{}/cfn-guard", std::env::consts::ARCH);
    (package.join(program), package.join("rules/control-tower/cfn-guard"))
}
