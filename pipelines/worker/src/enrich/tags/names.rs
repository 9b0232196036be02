//! Descriptive names for four-character codes: the name of a field is a keyword for the classifier.

/// Codes of QuickTime user data and iTunes metadata (QuickTime File Format, "User data atoms"), and of 3GPP (TS 26.244,
/// 8.2), that begin with ©; the keys are without it.
const COPYRIGHT: [(&[u8; 3], &str); 30] = [
    (b"ART", "artist"),
    (b"alb", "album"),
    (b"aut", "author"),
    (b"cmt", "comment"),
    (b"com", "composer"),
    (b"cpy", "copyright"),
    (b"day", "creation_date"),
    (b"des", "description"),
    (b"dir", "director"),
    (b"gen", "genre"),
    (b"hst", "host_computer"),
    (b"inf", "information"),
    (b"key", "keywords"),
    (b"lyr", "lyrics"),
    (b"mak", "device_manufacturer"),
    (b"mod", "device_model"),
    (b"nam", "title"),
    (b"prd", "producer"),
    (b"prf", "performer"),
    (b"req", "requirements"),
    (b"src", "source"),
    (b"swr", "software"),
    (b"too", "encoder"),
    (b"trk", "track_name"),
    (b"url", "url"),
    (b"wrn", "warning"),
    (b"wrt", "writer"),
    (b"grp", "grouping"),
    (b"st3", "subtitle"),
    (b"xyz", "position"),
];

/// Codes that do not begin with ©.
const PLAIN: [(&[u8; 4], &str); 28] = [
    (b"CAME", "camera_serial_number"),
    (b"FIRM", "firmware"),
    (b"LENS", "lens_serial_number"),
    (b"MUID", "media_unique_id"),
    (b"aART", "album_artist"),
    (b"albm", "album"),
    (b"apID", "apple_id"),
    (b"auth", "author"),
    (b"catg", "category"),
    (b"coll", "collection"),
    (b"cprt", "copyright"),
    (b"desc", "description"),
    (b"dscp", "description"),
    (b"gnre", "genre"),
    (b"keyw", "keywords"),
    (b"kywd", "keywords"),
    (b"ldes", "long_description"),
    (b"manu", "device_manufacturer"),
    (b"modl", "device_model"),
    (b"name", "name"),
    (b"ownr", "owner"),
    (b"perf", "performer"),
    (b"purd", "purchase_date"),
    (b"purl", "podcast_url"),
    (b"slno", "device_serial_number"),
    (b"titl", "title"),
    (b"tvsh", "show"),
    (b"xid ", "vendor_id"),
];

/// The name of a four-character code, or the code itself if it has no name.
pub fn of_code(code: [u8; 4]) -> String {
    let [first, rest @ ..] = code;
    if first == 0xa9 {
        let known = COPYRIGHT.iter().find(|(known, _)| **known == rest);
        return known.map_or_else(|| printable(&rest), |(_, name)| (*name).to_owned());
    }
    let known = PLAIN.iter().find(|(known, _)| **known == code);
    known.map_or_else(|| printable(&code), |(_, name)| (*name).to_owned())
}

fn printable(code: &[u8]) -> String {
    code.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_words_and_unknown_codes_stay_readable() {
        assert_eq!(of_code(*b"\xa9cmt"), "comment");
        assert_eq!(of_code(*b"auth"), "author");
        assert_eq!(of_code(*b"\xa9x\0z"), "x_z");
        assert_eq!(of_code(*b"SDLN"), "SDLN");
    }
}
