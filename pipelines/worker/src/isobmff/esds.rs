//! Elementary stream descriptors (ISO/IEC 14496-1, 7.2.6).

/// What a descriptor says of its stream.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StreamDescriptor {
    /// Indication of the object type (7.2.6.6.2; registered at mp4ra.org).
    pub object_type: u8,
    /// Set-up of the decoder; empty if there is none.
    pub specific: Vec<u8>,
}

const ES: u8 = 3;
const DECODER_CONFIG: u8 = 4;
const DECODER_SPECIFIC: u8 = 5;

/// Reads the content of an `esds` box, after version and flags; `None` if it describes no stream.
pub fn read(mut bytes: &[u8]) -> Option<StreamDescriptor> {
    let (tag, body) = descriptor(&mut bytes)?;
    let mut inner = match tag {
        ES => {
            let flags = *body.get(2)?;
            let mut at = 3;
            at += if flags & 0x80 != 0 { 2 } else { 0 };
            at += if flags & 0x40 != 0 { 1 + usize::from(*body.get(at)?) } else { 0 };
            at += if flags & 0x20 != 0 { 2 } else { 0 };
            body.get(at..)?
        }
        // Some writers leave the outer descriptor out.
        DECODER_CONFIG => return decoder_config(body),
        _ => return None,
    };
    while let Some((tag, body)) = descriptor(&mut inner) {
        if tag == DECODER_CONFIG {
            return decoder_config(body);
        }
    }
    None
}

fn decoder_config(body: &[u8]) -> Option<StreamDescriptor> {
    let object_type = *body.first()?;
    let mut inner = body.get(13..).unwrap_or_default();
    let mut specific = Vec::new();
    while let Some((tag, body)) = descriptor(&mut inner) {
        if tag == DECODER_SPECIFIC {
            specific = body.to_vec();
            break;
        }
    }
    Some(StreamDescriptor { object_type, specific })
}

/// The next descriptor: its tag and its content, cut off at the end of what is there.
fn descriptor<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, mut rest) = bytes.split_first()?;
    let mut size = 0usize;
    for _ in 0..4 {
        let (byte, after) = rest.split_first()?;
        rest = after;
        size = size << 7 | usize::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let (body, after) = rest.split_at(size.min(rest.len()));
    *bytes = after;
    Some((*tag, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_up_is_found_behind_optional_fields_and_long_sizes() {
        let config = [&[4u8, 0x80, 0x80, 0x80, 17, 0x40][..], &[0; 12], &[5, 2, 0x12, 0x10]].concat();
        let plain = [&[3u8, 3 + config.len() as u8, 0, 1, 0][..], &config].concat();
        let expected = StreamDescriptor { object_type: 0x40, specific: vec![0x12, 0x10] };
        assert_eq!(read(&plain), Some(expected.clone()));
        let full = [&[3u8, 9 + config.len() as u8, 0, 1, 0xE0, 0, 0, 1, b'u', 0, 0][..], &config].concat();
        assert_eq!(read(&full), Some(expected.clone()));
        assert_eq!(read(&config), Some(expected));
    }

    #[test]
    fn damaged_descriptors_are_none_or_without_a_set_up() {
        for bytes in [&[][..], &[3], &[3, 0x80], &[3, 2, 0, 1], &[9, 1, 0], &[3, 9, 0, 1, 0x40, 0xFF]] {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
        let cut = [&[3u8, 40, 0, 1, 0, 4, 30, 0x6B][..], &[0; 3]].concat();
        assert_eq!(read(&cut), Some(StreamDescriptor { object_type: 0x6B, specific: vec![] }));
    }
}
