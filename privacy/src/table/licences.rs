//! Driver's licences.
//!
//! Shapes: PRADO (register of documents of the Council of the European Union), AAMVA for the states of the USA, and the
//! issuing authorities' own pages. If Macie has only English keywords, the words on the licence itself are added.

use super::row::Row;
use crate::checksum::national::repeated;
use crate::identifier::SeverityRule;
use crate::mask::Mask;
use crate::table::national::personnummer;

const LICENCE: Row = Row {
    check: |number| !repeated(number),
    severity: SeverityRule::RISING,
    mask: Mask::KeepLast(2),
    ..Row::COMMON
};

/// Macie's keywords of the countries that speak English.
const ENGLISH: &[&str] = &[
    "dl#",
    "dl:",
    "dl :",
    "dlno#",
    "dl number",
    "driver licence",
    "driver license",
    "driver permit",
    "driver's licence",
    "driver's license",
    "driver's permit",
    "drivers lic.",
    "drivers licence",
    "drivers license",
    "drivers permit",
    "driving licence",
    "driving license",
    "driving permit",
];

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "UK_DRIVERS_LICENSE",
        validation: Some("5 letters or digits of the name, date, 5 more"),
        keywords: ENGLISH,
        shapes: &["##### 999999 ##9AA"],
        check: |number| number[0].is_ascii_uppercase(),
        ..LICENCE
    },
    Row {
        id: "DRIVERS_LICENSE",
        validation: Some("shape of one of the states"),
        keywords: ENGLISH,
        shapes: &[
            "A9999999",
            "A99999999",
            "A999 9999 9999",
            "A999 999 99 999 9",
            "A9999 99999 99999",
            "AA999999",
            "AA 99 99 99 A",
            "9999999",
            "99999999",
            "999999999",
            "999 999 999",
            "9999999999",
        ],
        ..LICENCE
    },
    Row {
        id: "AUSTRALIA_DRIVERS_LICENSE",
        validation: Some("6 to 10 digits, or letters and digits of a state"),
        keywords: ENGLISH,
        shapes: &["999999", "999 999 999", "9999AA", "A99999"],
        ..LICENCE
    },
    Row {
        id: "CANADA_DRIVERS_LICENSE",
        validation: Some("shape of one of the provinces"),
        keywords: ENGLISH,
        shapes: &["A9999 99999 99999", "A9999 999999 99", "AAAA 999 999 999", "999999 999", "AAAAA999999999"],
        ..LICENCE
    },
    Row {
        id: "INDIA_DRIVERS_LICENSE",
        validation: Some("state, office, year and serial"),
        keywords: ENGLISH,
        shapes: &["AA99 99999999999", "AA 99 9999 9999999", "AA99 9999 9999999"],
        ..LICENCE
    },
    Row {
        id: "AUSTRIA_DRIVERS_LICENSE",
        validation: Some("8 digits"),
        keywords: &[
            "führerschein",
            "fuehrerschein",
            "führerschein nr",
            "führerscheinnummer",
            "fuehrerscheinnummer",
        ],
        shapes: &["99999999", "99 999999"],
        ..LICENCE
    },
    Row {
        id: "NETHERLANDS_DRIVERS_LICENSE",
        validation: Some("10 digits"),
        keywords: &["rijbewijs", "rijbewijsnummer"],
        shapes: &["9999999999"],
        ..LICENCE
    },
    Row {
        id: "BELGIUM_DRIVERS_LICENSE",
        validation: Some("10 digits"),
        keywords: &[
            "führerschein",
            "führerscheinnummer",
            "permis de conduire",
            "rijbewijs",
            "rijbewijsnummer",
            "numéro permis conduire",
        ],
        shapes: &["9999999999"],
        ..LICENCE
    },
    Row {
        id: "BULGARIA_DRIVERS_LICENSE",
        validation: Some("9 digits"),
        keywords: &[
            "свидетелство за управление",
            "свидетелство за управление на моторно превозно средство",
            "шофьорска книжка",
            "сумпс",
        ],
        shapes: &["999999999"],
        ..LICENCE
    },
    Row {
        id: "CROATIA_DRIVERS_LICENSE",
        validation: Some("8 digits"),
        keywords: &["vozačka dozvola", "vozacka dozvola", "vozačke dozvole"],
        shapes: &["99999999"],
        ..LICENCE
    },
    Row {
        id: "CYPRUS_DRIVERS_LICENSE",
        validation: Some("12 digits"),
        keywords: &["άδεια οδήγησης", "adeia odigisis", "δίπλωμα οδήγησης"],
        shapes: &["999999999999"],
        ..LICENCE
    },
    Row {
        id: "CZECHIA_DRIVERS_LICENSE",
        validation: Some("2 letters and 6 digits"),
        keywords: &[
            "číslo licence",
            "číslo řidičského průkazu",
            "ovladače lic.",
            "povolení k jízdě",
            "řidičský průkaz",
            "ridicsky prukaz",
        ],
        shapes: &["AA 999999"],
        ..LICENCE
    },
    Row {
        id: "DENMARK_DRIVERS_LICENSE",
        validation: Some("8 digits"),
        keywords: &["kørekort", "koerekort", "kørekortnummer"],
        shapes: &["99999999"],
        ..LICENCE
    },
    Row {
        id: "ESTONIA_DRIVERS_LICENSE",
        validation: Some("2 letters and 6 digits"),
        keywords: &["juhi litsentsi number", "juhiloa number", "juhiluba", "juhiluba number"],
        shapes: &["AA999999"],
        ..LICENCE
    },
    Row {
        id: "FINLAND_DRIVERS_LICENSE",
        validation: Some("date, number and check character"),
        keywords: &[
            "ajokortin numero",
            "ajokortti",
            "förare lic.",
            "körkort",
            "körkort nummer",
            "kuljettaja lic.",
            "permis de conduire",
        ],
        shapes: &["999999 999#"],
        ..LICENCE
    },
    Row {
        id: "FRANCE_DRIVERS_LICENSE",
        validation: Some("12 digits"),
        keywords: &["permis de conduire", "numéro permis", "numéro de permis"],
        shapes: &["999999999999", "99 99 99 999999"],
        ..LICENCE
    },
    Row {
        id: "GERMANY_DRIVERS_LICENSE",
        validation: Some("11 letters and digits of office, place, serial and check"),
        keywords: &[
            "führerschein",
            "fuehrerschein",
            "fuhrerschein",
            "fuehrerscheinnummer",
            "fuhrerscheinnummer",
            "führerschein nr",
            "führerscheinnummer",
        ],
        shapes: &["A99######9#"],
        ..LICENCE
    },
    Row {
        id: "GREECE_DRIVERS_LICENSE",
        validation: Some("9 digits"),
        keywords: &["δεια οδήγησης", "άδεια οδήγησης", "adeia odigisis"],
        shapes: &["999999999"],
        ..LICENCE
    },
    Row {
        id: "HUNGARY_DRIVERS_LICENSE",
        validation: Some("2 letters and 6 digits"),
        keywords: &[
            "illesztőprogramok lic.",
            "jogosítvány",
            "jogsi",
            "licencszám",
            "sofőr engedély",
            "vezetői engedély",
            "vezetoi engedely",
        ],
        shapes: &["AA999999"],
        ..LICENCE
    },
    Row {
        id: "IRELAND_DRIVERS_LICENSE",
        validation: Some("9 digits, or 3 digits, 2 letters and 4 digits"),
        keywords: &["ceadúnas tiomána", "irish driving licence"],
        shapes: &["999999999", "999AA9999"],
        ..LICENCE
    },
    Row {
        id: "ITALY_DRIVERS_LICENSE",
        validation: Some("2 letters or letter and digit, 7 digits, a letter"),
        keywords: &["patente di guida", "patente di guida numero", "patente guida", "patente guida numero"],
        shapes: &["A#9999999A"],
        ..LICENCE
    },
    Row {
        id: "LATVIA_DRIVERS_LICENSE",
        validation: Some("2 or 3 letters and 6 digits"),
        keywords: &[
            "autovadītāja apliecība",
            "licences numurs",
            "vadītāja apliecība",
            "vadītāja apliecības numurs",
            "vadītāja atļauja",
        ],
        shapes: &["AA999999", "AAA999999"],
        ..LICENCE
    },
    Row {
        id: "LITHUANIA_DRIVERS_LICENSE",
        validation: Some("8 digits"),
        keywords: &["vairuotojo pažymėjimas", "vairuotojo pazymejimas"],
        shapes: &["99999999"],
        ..LICENCE
    },
    Row {
        id: "LUXEMBOURG_DRIVERS_LICENSE",
        validation: Some("6 digits"),
        keywords: &["fahrerlaubnis", "führerschäin", "permis de conduire"],
        shapes: &["999999"],
        ..LICENCE
    },
    Row {
        id: "MALTA_DRIVERS_LICENSE",
        validation: Some("2 letters and 6 digits"),
        keywords: &["liċenzja tas sewqan", "licenzja tas sewqan"],
        shapes: &["AA 999 999", "AA999999"],
        ..LICENCE
    },
    Row {
        id: "POLAND_DRIVERS_LICENSE",
        validation: Some("5, 2 and 4 digits"),
        keywords: &[
            "numer licencyjny",
            "numer prawa jazdy",
            "prawo jazdy",
            "prawa jazdy",
            "zezwolenie na prowadzenie",
        ],
        shapes: &["99999 99 9999"],
        ..LICENCE
    },
    Row {
        id: "PORTUGAL_DRIVERS_LICENSE",
        validation: Some("1 or 2 letters, 6 digits, a digit"),
        keywords: &[
            "carta de condução",
            "carta de conducao",
            "carteira de habilitação",
            "carteira de motorista",
            "carteira habilitação",
            "carteira motorista",
            "licença condução",
            "licença de condução",
            "número de licença",
            "permissão condução",
        ],
        shapes: &["AA 999999 9", "A 999999 9"],
        ..LICENCE
    },
    Row {
        id: "ROMANIA_DRIVERS_LICENSE",
        validation: Some("a letter and 8 digits"),
        keywords: &["numărul permisului de conducere", "permis de conducere", "permisul de conducere"],
        shapes: &["A99999999"],
        ..LICENCE
    },
    Row {
        id: "SLOVAKIA_DRIVERS_LICENSE",
        validation: Some("a letter and 7 digits"),
        keywords: &[
            "číslo licencie",
            "číslo vodičského preukazu",
            "povolenie vodiča",
            "povolenie vodičov",
            "vodičský preukaz",
            "vodicsky preukaz",
        ],
        shapes: &["A9999999"],
        ..LICENCE
    },
    Row {
        id: "SLOVENIA_DRIVERS_LICENSE",
        validation: Some("9 digits"),
        keywords: &["vozniško dovoljenje", "voznisko dovoljenje"],
        shapes: &["999999999"],
        ..LICENCE
    },
    Row {
        id: "SPAIN_DRIVERS_LICENSE",
        validation: Some("8 digits and a letter"),
        keywords: &[
            "carnet conducir",
            "carnet de conducir",
            "el carnet de conducir",
            "licencia conducir",
            "licencia de conducir",
            "licencia de manejo",
            "número de carnet de conducir",
            "número de permiso de conducir",
            "permiso conducción",
            "permiso conducir",
            "permiso de conducción",
            "permiso de conducir",
        ],
        shapes: &["99999999 A", "99 999 999 A"],
        ..LICENCE
    },
    Row {
        id: "SWEDEN_DRIVERS_LICENSE",
        validation: Some("personal number, Luhn"),
        keywords: &["ajokortti", "förare lic.", "körkort", "körkortsnummer", "drivere lic."],
        shapes: &["999999 9999"],
        check: personnummer,
        ..LICENCE
    },
];
