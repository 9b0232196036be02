//! Parses geographic positions in the formats of cameras, to degrees north and east.

/// Latitude and longitude, degrees.
pub type Position = (f64, f64);

/// ISO 6709 Annex H as cameras write it: `+48.8582+002.2945+035.000/` in degrees, degrees and minutes, or degrees,
/// minutes and seconds. The number of whole digits distinguishes the three.
pub fn iso_6709(text: &str) -> Option<Position> {
    let text = text.trim().trim_end_matches('/');
    let second = text.get(1..)?.find(['+', '-'])? + 1;
    let (first, rest) = text.split_at(second);
    let end = rest.get(1..)?.find(['+', '-', 'C', '/']).map_or(rest.len(), |end| end + 1);
    checked(angle(first, 2)?, angle(&rest[..end], 3)?)
}

/// One signed angle with `degree_digits` digits of whole degrees.
fn angle(text: &str, degree_digits: usize) -> Option<f64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1.0, &text[1..]),
        b'-' => (-1.0, &text[1..]),
        _ => return None,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let whole = digits.find('.').unwrap_or(digits.len());
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<f64>().ok();
    let minutes_at = degree_digits;
    let degrees = if whole <= degree_digits {
        digits.parse().ok()?
    } else if whole == degree_digits + 2 {
        part(0, minutes_at)? + part(minutes_at, digits.len())? / 60.0
    } else if whole == degree_digits + 4 {
        let seconds = part(minutes_at + 2, digits.len())?;
        part(0, minutes_at)? + part(minutes_at, minutes_at + 2)? / 60.0 + seconds / 3_600.0
    } else {
        return None;
    };
    Some(sign * degrees)
}

/// The position that drones write into a subtitle: `[latitude: 48.858222] [longitude: 2.294500]`, also as `latitude : …` and with the
/// manufacturer's spelling `longtitude`; or `GPS (2.294500, 48.858222, 35)`, longitude first.
pub fn telemetry(text: &str) -> Option<Position> {
    let labelled = |names: &[&str]| names.iter().find_map(|name| number_after(text, name));
    if let Some(latitude) = labelled(&["latitude"])
        && let Some(longitude) = labelled(&["longitude", "longtitude"])
    {
        return checked(latitude, longitude);
    }
    let at = text.find("GPS")?;
    let open = text.get(at + 3..)?.trim_start_matches([' ', ':']);
    let inner = open.strip_prefix('(')?.split_once(')')?.0;
    let mut numbers = inner.split(',').map(|number| number.trim().parse::<f64>());
    let (longitude, latitude) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    checked(latitude, longitude)
}

/// The number behind a name, a colon and spaces.
fn number_after(text: &str, name: &str) -> Option<f64> {
    let at = text.find(name)? + name.len();
    let rest = text[at..].trim_start_matches([' ', ':', '=']);
    let end = rest.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// The position, if it exists on the earth. Exactly zero for both is no position: cameras write it before they know one.
pub fn checked(latitude: f64, longitude: f64) -> Option<Position> {
    let exists = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    (exists && (latitude != 0.0 || longitude != 0.0)).then_some((latitude, longitude))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<Position>, expected: Position) {
        let (latitude, longitude) = found.unwrap();
        assert!((latitude - expected.0).abs() < 1e-6 && (longitude - expected.1).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn the_formats_of_iso_6709_are_parsed() {
        near(iso_6709("+48.858222+002.294500+035.000/"), (48.858222, 2.2945));
        near(iso_6709("-33.8568+151.2153/"), (-33.8568, 151.2153));
        near(iso_6709("+4851.4933+00217.67/"), (48.858222, 2.2945));
        near(iso_6709("+485129.6-0021740.2/"), (48.858222, -2.2945));
        near(iso_6709("+27.5916+086.5640+8850CRSWGS_84/"), (27.5916, 86.564));
        for wrong in ["", "+", "48.8 2.2", "+91.0+000.0/", "+48.8", "+é+é", "+00.0000+000.0000/"] {
            assert_eq!(iso_6709(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn telemetry_of_drones_is_parsed() {
        near(
            telemetry("[iso : 100] [latitude: 48.858222] [longitude: 2.294500] [rel_alt: 3.2]"),
            (48.858222, 2.2945),
        );
        near(telemetry("[latitude : -33.8568] [longtitude : 151.2153]"), (-33.8568, 151.2153));
        near(telemetry("F/2.8, SS 206, GPS (2.2945, 48.858222, 15), D 24.2m"), (48.858222, 2.2945));
        for wrong in
            ["", "GPS", "GPS (1", "GPS (a, b)", "latitude: north longitude: east", "the latitude of the law"]
        {
            assert_eq!(telemetry(wrong), None, "{wrong}");
        }
    }
}
