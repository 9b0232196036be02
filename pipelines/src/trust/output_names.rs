//! Which names an output may have: no name may lead out of its folder or be a hidden file.

use reelgate_flow::reason::Fault;

use super::range_checks::untrue;

/// Longest component of an output's name.
pub const NAME_BYTES_MAX: usize = 64;

/// Checks the form of an output's name: one or two components of `[a-z0-9_.-]`. No component is empty or begins
/// with a dot, so the name cannot leave its folder and cannot be a hidden file.
pub fn output_name(name: &str) -> Result<(), Fault> {
    let is_plain = |part: &str| {
        let letters = part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'));
        !part.is_empty() && part.len() <= NAME_BYTES_MAX && !part.starts_with('.') && letters
    };
    if name.split('/').count() <= 2 && name.split('/').all(is_plain) {
        return Ok(());
    }
    Err(untrue("an output name of one or two plain components", "another form"))
}

#[cfg(test)]
mod tests {
    use reelgate_flow::reason::Code;

    use super::*;

    #[test]
    fn plain_names_of_one_or_two_components_are_output_names() {
        for name in ["poster.jpg", "720p/init.mp4", "audio/00003.m4s", "a_b-c.0"] {
            assert_eq!(output_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_could_leave_or_hide_are_refused() {
        let long = "a".repeat(NAME_BYTES_MAX + 1);
        let names = [
            "", "/", "/etc", "..", "../a", "a/..", "a/../b", "a//b", "a/", "./a", ".hidden", "a/b/c",
            "A.jpg", "a b", "a\0", "a\\b", "ä", "a\nb", &long,
        ];
        for name in names {
            assert_eq!(output_name(name).unwrap_err().code, Code::WorkerProtocol, "{name:?}");
        }
    }
}
