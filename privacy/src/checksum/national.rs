//! The check digits of all national numbers, in one place.

pub(crate) use super::accounts::{aba, italian_account, rib, spanish_account};
pub(crate) use super::americas::{
    cnpj, cpf, cuit_of_organisation, cuit_of_person, curp, dea, itin, mbi, nit_of_organisation,
    nit_of_person, npi, rfc, rut, sin,
};
pub(crate) use super::digits::repeated;
pub(crate) use super::elsewhere::{aadhaar, gs1, tfn, vin};
pub(crate) use super::europe::{
    cif, codice_fiscale, dni, german_tax, nhs, nie, nif, nino, nir, personalausweis, reisepass,
    spain_social_security, spi, utr,
};

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&[u8]) -> bool;

    /// Published or textbook examples.
    #[test]
    fn known_numbers_pass() {
        let known: &[(Check, &str)] = &[
            (nhs, "9434765919"),
            (tfn, "123456782"),
            (sin, "130692544"),
            (aadhaar, "234123412346"),
            (cpf, "11144477735"),
            (cnpj, "11222333000181"),
            (dni, "12345678Z"),
            (nie, "X1234567L"),
            (nif, "12345678Z"),
            (cif, "A58818501"),
            (nir, "255081416802538"),
            (german_tax, "86095742719"),
            (personalausweis, "T220001293"),
            (reisepass, "C01X00T478"),
            (codice_fiscale, "RSSMRA85T10A562S"),
            (italian_account, "X0542811101000000123456"),
            (spanish_account, "21000418450200051332"),
            (rib, "20041010050500013M02606"),
            (cuit_of_person, "20123456786"),
            (rut, "123456785"),
            (nit_of_organisation, "8001972684"),
            (curp, "BOXW310820HNERXN09"),
            (rfc, "GODE561231GR8"),
            (utr, "1955839661"),
            (nino, "AB123456C"),
            (itin, "912703456"),
            (npi, "1234567893"),
            (dea, "AB1234563"),
            (mbi, "1EG4TE5MK73"),
            (aba, "021000021"),
            (vin, "1HGCM82633A004352"),
            (gs1, "00844588003288"),
        ];
        for (check, number) in known {
            assert!(check(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn these_checks_refuse_every_single_digit_change() {
        let known: &[(Check, &str)] = &[
            (nhs, "9434765919"),
            (sin, "130692544"),
            (aadhaar, "234123412346"),
            (cpf, "11144477735"),
            (cnpj, "11222333000181"),
            (dni, "12345678Z"),
            (nir, "255081416802538"),
            (german_tax, "86095742719"),
            (spanish_account, "21000418450200051332"),
            (cuit_of_person, "20123456786"),
            (rut, "123456785"),
            (npi, "1234567893"),
            (aba, "021000021"),
        ];
        for (check, number) in known {
            for i in 0..number.len() {
                let mut changed = number.as_bytes().to_vec();
                if changed[i].is_ascii_digit() {
                    changed[i] = if changed[i] == b'9' { b'0' } else { changed[i] + 1 };
                    assert!(!check(&changed), "{number} digit {i}");
                }
            }
        }
    }

    #[test]
    fn text_of_another_shape_neither_passes_nor_panics() {
        let checks: &[Check] = &[
            nhs,
            tfn,
            sin,
            aadhaar,
            cpf,
            cnpj,
            dni,
            nie,
            nif,
            cif,
            nir,
            spi,
            rib,
            german_tax,
            codice_fiscale,
            italian_account,
            spanish_account,
            spain_social_security,
            rut,
            curp,
            rfc,
            utr,
            nino,
            itin,
            npi,
            dea,
            aba,
            vin,
            gs1,
        ];
        for text in
            ["", "1", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "000000000", "a-b.c", "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}"]
        {
            for (i, check) in checks.iter().enumerate() {
                assert!(!check(text.as_bytes()), "check {i} of {text:?}");
            }
        }
    }
}
