//! The signature that proves to a receiver that a notice is ours: HMAC-SHA256 (RFC 2104) over the time and the
//! body, so that neither can be replaced and an old request cannot be sent again as a new one.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The value of the header: `t=<seconds since 1970>,v1=<hexadecimal HMAC of "<t>.<body>">`.
pub(super) fn header(secret: &[u8], at_s: u64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of every length");
    mac.update(format!("{at_s}.").as_bytes());
    mac.update(body);
    format!("t={at_s},v1={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_the_guide_describes() {
        let header = header(b"0123456789abcdef", 1_700_000_000, br#"{"id":"n1"}"#);
        assert_eq!(
            header,
            "t=1700000000,v1=d690c561c07b474aa5a712ea75ccb79f105798d963c831ce893b1e722de878f0"
        );
    }
}
