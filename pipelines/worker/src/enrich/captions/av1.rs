//! Captions in AV1: metadata OBUs with a registered message (AV1 specification, 5.3 and 5.8), whose payload is that of
//! ATSC A/53 part 4, as in H.264.

/// The type of an open bitstream unit with metadata.
const METADATA: u8 = 5;
const PADDING: u8 = 15;
/// The type of metadata with a registered message (ITU-T T.35).
const REGISTERED: u64 = 4;
/// Country, provider, user identifier, and the type of caption data.
const CAPTIONS: [u8; 8] = [0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 0x03];

/// The triplets of a temporal unit; `None` if its units do not fit into it.
pub fn triplets_in_av1(packet: &[u8]) -> Option<Vec<[u8; 3]>> {
    let mut found = Vec::new();
    for (kind, unit) in units(packet)? {
        if kind == METADATA
            && let Some((REGISTERED, message)) = leb128(unit)
            && let Some(data) = message.strip_prefix(&CAPTIONS)
        {
            let count = usize::from(data.first()? & 0x1f);
            // After the count and a reserved byte.
            let triplets = data.get(2..2 + count * 3)?;
            found.extend(triplets.chunks_exact(3).map(|t| [t[0], t[1], t[2]]));
        }
    }
    Some(found)
}

/// Messages that are no captions and no measures of light, and padding; none if the units do not fit into their packet.
pub fn messages_in_av1(packet: &[u8]) -> Vec<&[u8]> {
    let message = |(kind, unit)| match (kind, leb128(unit)) {
        (PADDING, _) => Some(unit),
        (METADATA, Some((REGISTERED, message))) if !message.starts_with(&CAPTIONS) => Some(message),
        // 1 to 3 are light and layers, 5 is a time code. What is not assigned is for users.
        (METADATA, Some((6.., message))) => Some(message),
        _ => None,
    };
    units(packet).unwrap_or_default().into_iter().filter_map(message).collect()
}

/// The units of a temporal unit by their kind; `None` if they do not fit into it.
fn units(mut rest: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut found = Vec::new();
    while let Some((head, after)) = rest.split_first() {
        let after = if head & 0x04 != 0 { after.get(1..)? } else { after };
        let (size, body) = match head & 0x02 != 0 {
            true => leb128(after)?,
            false => (after.len() as u64, after),
        };
        let (unit, next) = body.split_at_checked(usize::try_from(size).ok()?)?;
        found.push(((head >> 3) & 0x0f, unit));
        rest = next;
    }
    Some(found)
}

/// A number of up to eight bytes with seven bits each, the lowest first, and what follows it (4.10.5).
fn leb128(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind << 3 | 0x02, body.len() as u8], body].concat()
    }

    fn message(triplets: &[u8]) -> Vec<u8> {
        let count = 0xc0 | (triplets.len() / 3) as u8;
        unit(
            METADATA,
            &[&[REGISTERED as u8], &CAPTIONS[..], &[count, 0xff], triplets, &[0xff, 0x80]].concat(),
        )
    }

    #[test]
    fn captions_are_found_between_other_units() {
        let delimiter = unit(2, &[]);
        let light = unit(METADATA, &[1, 0, 1, 0, 2]);
        let picture = unit(6, &[7; 40]);
        let captions = message(&[0xfc, 1, 2, 0xfd, 3, 4]);
        let whole = [delimiter, light, captions, picture].concat();
        assert_eq!(triplets_in_av1(&whole), Some(vec![[0xfc, 1, 2], [0xfd, 3, 4]]));
        assert_eq!(triplets_in_av1(&[]), Some(vec![]));
        // Without a size, a unit reaches to the end.
        assert_eq!(triplets_in_av1(&[6 << 3, 1, 2, 3]), Some(vec![]));
    }

    #[test]
    fn messages_that_are_no_captions_are_found() {
        let registered = unit(METADATA, b"\x04\xb5\x00\x99text of a maker");
        let private = unit(METADATA, b"\x07text of a user");
        let padding = unit(PADDING, b"text in padding");
        let light = unit(METADATA, &[1, 0, 1, 0, 2]);
        let whole = [registered, private, light, message(&[0xfc, 1, 2]), padding].concat();
        let expected = [&b"\xb5\x00\x99text of a maker"[..], b"text of a user", b"text in padding"];
        assert_eq!(messages_in_av1(&whole), expected);
        assert!(messages_in_av1(&whole[..9]).is_empty());
    }

    #[test]
    fn units_that_end_early_are_broken_and_never_panic() {
        let whole = [unit(2, &[]), message(&[0xfc, 1, 2])].concat();
        for end in 3..whole.len() {
            assert_eq!(triplets_in_av1(&whole[..end]), None, "{end}");
        }
        assert_eq!(triplets_in_av1(&[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]), None);
        assert_eq!(triplets_in_av1(&[0x16]), None);
    }
}
