//! Numbers of devices, for which Macie has no id.

use super::row::Row;
use crate::candidate::Strength;
use crate::checksum::luhn;
use crate::checksum::national::repeated;
use crate::identifier::{Origin, Severity, SeverityRule};
use crate::mask::Mask;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "DEVICE_IMEI",
        origin: Origin::Reelgate,
        validation: Some("15 digits, Luhn"),
        keywords: &["imei"],
        shapes: &["99 999999 999999 9"],
        check: |number| luhn(number) && !repeated(number),
        strength: Strength::Checksum,
        severity: SeverityRule::RISING,
        ..Row::COMMON
    },
    Row {
        id: "DEVICE_SERIAL_NUMBER",
        origin: Origin::Reelgate,
        validation: Some("6 to 20 letters and digits in one run, four digits or more"),
        keywords: &[
            "body serial number",
            "camera serial number",
            "device serial number",
            "internal serial number",
            "lens serial number",
            "serial",
            "serial no",
            "serial number",
            "seriennummer",
            "numéro de série",
            "número de serie",
            "s/n",
        ],
        shapes: &[
            "######",
            "#######",
            "########",
            "#########",
            "##########",
            "###########",
            "############",
            "#############",
            "##############",
            "###############",
            "################",
            "#################",
            "##################",
            "###################",
            "####################",
        ],
        check: |number| number.iter().filter(|b| b.is_ascii_digit()).count() >= 4 && !repeated(number),
        severity: SeverityRule::new(Severity::Low, Severity::Low, Severity::Medium),
        mask: Mask::KeepLast(2),
        ..Row::COMMON
    },
];
