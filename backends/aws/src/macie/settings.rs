//! Settings of Macie: where sidecars are, and which identifiers jobs search for.

use std::collections::BTreeSet;

use reelgate_flow::custom_identifier::CustomIdentifier;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};

use super::managed::MANAGED_IDENTIFIERS;
use crate::location::Area;
use crate::objects::TransferSettings;

/// Most custom identifiers of one job; Amazon Macie User Guide, "Quotas for Macie".
const CUSTOM_MAX: usize = 30;

/// Settings of the scanner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MacieSettings {
    /// The account that owns the bucket of sidecars, twelve digits; every job names it.
    pub account: String,
    /// The area of sidecars: a bucket, or a prefix of one.
    pub area: Area,
    /// Other buckets of which findings are wanted, at most 49. Default: none.
    pub buckets: BTreeSet<String>,
    /// How sidecars are transferred.
    pub transfer: TransferSettings,
    /// Ids of managed identifiers. Default: [`MANAGED_IDENTIFIERS`].
    pub managed: Vec<String>,
    /// The operator's own identifiers, at most 30. Default: none.
    pub custom: Vec<CustomIdentifier>,
}

impl MacieSettings {
    /// Settings for sidecars in this area of this account, with defaults.
    pub fn new(account: impl Into<String>, area: Area) -> Self {
        Self {
            account: account.into(),
            area,
            buckets: BTreeSet::new(),
            transfer: TransferSettings::default(),
            managed: MANAGED_IDENTIFIERS.iter().map(|id| (*id).to_owned()).collect(),
            custom: Vec::new(),
        }
    }

    /// `Invalid` if Macie would refuse every job.
    pub(super) fn check(&self) -> PortResult<()> {
        let invalid = |detail: String| {
            PortError::new(
                Port::ExternalScanner,
                ErrorKind::Invalid,
                "read the settings of the scanner",
                detail,
            )
        };
        if self.account.len() != 12 || !self.account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(invalid("expected an account of twelve digits, found another".into()));
        }
        if self.custom.len() > CUSTOM_MAX {
            let found = self.custom.len();
            return Err(invalid(format!("expected at most {CUSTOM_MAX} custom identifiers, found {found}")));
        }
        if self.managed.is_empty() && self.custom.is_empty() {
            return Err(invalid("expected an identifier to search for, found none".into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_macie_would_refuse_are_invalid() {
        let good = MacieSettings::new("123456789012", "s3://sidecars".parse().unwrap());
        good.check().unwrap();
        let refusal = |change: fn(&mut MacieSettings)| {
            let mut settings = good.clone();
            change(&mut settings);
            settings.check().unwrap_err().detail
        };
        let identifier = |settings: &mut MacieSettings| {
            let custom = serde_json::json!({"name": "employee", "regex": "E-[0-9]{6}"});
            settings.custom = vec![serde_json::from_value(custom).unwrap(); 31];
        };
        assert_eq!(
            refusal(|s| s.account = "12345678901x".into()),
            "expected an account of twelve digits, found another"
        );
        assert_eq!(refusal(identifier), "expected at most 30 custom identifiers, found 31");
        assert_eq!(refusal(|s| s.managed.clear()), "expected an identifier to search for, found none");
    }
}
