//! Reads XMP packets (ISO 16684-1): RDF in XML, with values in elements and in attributes.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::super::lines::Lines;
use super::value::Damaged;

/// Values read of one packet.
const VALUES_MAX: usize = 2_000;

/// Adds every value with the local name of its element or attribute. Values in lists (`rdf:li`) have the name of the
/// property.
pub fn collect(packet: &[u8], track: Option<u32>, lines: &mut Lines) -> Result<(), Damaged> {
    let packet = String::from_utf8_lossy(packet);
    let mut reader = Reader::from_str(&packet);
    let mut names: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut values = 0;
    while values < VALUES_MAX {
        let event = reader.read_event().map_err(|_| Damaged)?;
        match &event {
            Event::Text(found) => text.push_str(found),
            Event::GeneralRef(name) => text.push_str(&reference(name)),
            _ if !text.trim().is_empty() => {
                let property = names.iter().rev().find(|name| !is_structure(name));
                lines.add_tag(property.map_or("xmp", String::as_str), track, &text);
                text.clear();
                values += 1;
            }
            _ => text.clear(),
        }
        match &event {
            Event::Eof => return Ok(()),
            Event::Start(start) => {
                values += attributes(start, track, lines);
                names.push(start.local_name().as_ref().to_owned());
            }
            Event::Empty(start) => values += attributes(start, track, lines),
            Event::End(_) => {
                names.pop();
            }
            _ => {}
        }
    }
    Err(Damaged)
}

/// The character of a reference, or the unchanged reference.
fn reference(name: &str) -> String {
    let written = format!("&{name};");
    quick_xml::escape::unescape(&written).map(|text| text.into_owned()).unwrap_or(written)
}

fn attributes(start: &BytesStart, track: Option<u32>, lines: &mut Lines) -> usize {
    let mut count = 0;
    for attribute in start.attributes().flatten() {
        let name = attribute.key.local_name().as_ref().to_owned();
        let is_markup =
            attribute.key.as_ref().starts_with("xmlns") || matches!(name.as_str(), "about" | "lang");
        if !is_markup && let Ok(value) = quick_xml::escape::unescape(&attribute.value) {
            lines.add_tag(&name, track, &value);
            count += 1;
        }
    }
    count
}

/// Whether an element of RDF is no property.
fn is_structure(name: &str) -> bool {
    matches!(name, "li" | "Alt" | "Bag" | "Seq" | "Description" | "RDF" | "xmpmeta")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_elements_lists_and_attributes_are_found_under_their_property() {
        let packet = br#"<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="r">
            <rdf:Description rdf:about="" exif:GPSLatitude="48,51.5N" aux:SerialNumber="0123 &amp; 4">
            <dc:creator><rdf:Seq><rdf:li>Ann &amp; Lee</rdf:li></rdf:Seq></dc:creator>
            <xmp:Label>blue</xmp:Label></rdf:Description></rdf:RDF></x:xmpmeta>"#;
        let mut lines = Lines::default();
        collect(packet, None, &mut lines).unwrap();
        let text = String::from_utf8(lines.jsonl).unwrap();
        for (field, value) in [
            ("GPSLatitude", "48,51.5N"),
            ("SerialNumber", "0123 & 4"),
            ("creator", "Ann & Lee"),
            ("Label", "blue"),
        ] {
            let line = text.lines().find(|line| line.contains(value)).unwrap();
            assert!(line.contains(&format!("\"field\":\"{field}\"")), "{line}");
        }
        assert!(!text.contains("adobe:ns"), "{text}");
    }

    #[test]
    fn a_broken_packet_is_damaged_and_earlier_values_are_kept() {
        let mut lines = Lines::default();
        assert_eq!(collect(b"<a><b>kept</b></c>", None, &mut lines), Err(Damaged));
        assert_eq!(lines.count, 1);
    }
}
