//! The identifier families, one file each. To add a family, add a file here and a row in [`FAMILIES`].

pub(crate) mod aws;
pub(crate) mod card;
pub(crate) mod dates;
pub(crate) mod device;
pub(crate) mod email;
mod family;
pub(crate) mod iban;
pub(crate) mod ip;
pub(crate) mod keys;
pub(crate) mod location;
pub(crate) mod phone;
pub(crate) mod postal;
pub(crate) mod qr;
pub(crate) mod ssn;
pub(crate) mod stripe;
pub(crate) mod tokens;
pub(crate) mod web;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use family::{Anchor, Family};

/// All families. Their order has no meaning.
pub(crate) const FAMILIES: &[Family] = &[
    aws::ACCESS_KEY,
    aws::SECRET_KEY,
    card::FAMILY,
    dates::BIRTH,
    dates::EXPIRY,
    device::MAC,
    device::UDI,
    email::FAMILY,
    iban::FAMILY,
    ip::V4,
    ip::V6,
    ip::V6_LETTERS,
    keys::ARMOURED,
    keys::PUTTY,
    location::FAMILY,
    phone::FAMILY,
    postal::FAMILY,
    qr::FAMILY,
    ssn::FAMILY,
    stripe::FAMILY,
    tokens::FAMILY,
    web::HEADERS,
    web::TOKEN,
    web::URL,
];
