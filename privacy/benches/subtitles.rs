//! The subtitle text of the benches, which is the same for the classifier and its peers.

/// An SRT file of at least `bytes`. One line in ten has a number, and one in five hundred has personal data.
pub fn subtitles(bytes: usize) -> String {
    const WORDS: &[&str] = &[
        "you",
        "I",
        "the",
        "to",
        "what",
        "it's",
        "never",
        "before",
        "morning",
        "going",
        "house",
        "believe",
        "there",
        "remember",
        "with",
        "door",
        "listen",
        "about",
        "Captain",
        "water",
        "left",
        "everything",
        "right,",
        "wait.",
        "home",
        "because",
        "they",
        "told",
        "me",
        "yesterday",
    ];
    const NUMBERS: &[&str] = &["7", "12", "1984", "3:45", "100,000", "50%", "2.5", "90210", "24/7", "1-0"];
    const VALUES: &[&str] = &[
        "call 212-555-0123",
        "card 4539 5787 6362 1486",
        "jane.doe@example.org",
        "ssn 536-90-4399",
        "GB29 NWBK 6016 1331 9268 19",
        "69.196.0.85",
    ];
    let mut state = 7u64;
    let mut below = move |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let mut text = String::with_capacity(bytes + 1024);
    let mut cue = 0usize;
    while text.len() < bytes {
        cue += 1;
        let (h, m, s, ms) = (cue / 1200 % 24, cue / 20 % 60, cue * 3 % 60, below(1000));
        text += &format!(
            "{}\n{h:02}:{m:02}:{s:02},{ms:03} --> {h:02}:{m:02}:{:02},{ms:03}\n",
            cue % 2000,
            (s + 2) % 60
        );
        for _ in 0..1 + below(2) {
            for _ in 0..4 + below(5) {
                text += WORDS[below(WORDS.len())];
                text.push(' ');
            }
            if below(10) == 0 {
                text += NUMBERS[below(NUMBERS.len())];
            }
            if below(500) == 0 {
                text += VALUES[below(VALUES.len())];
            }
            text.push('\n');
        }
        text.push('\n');
    }
    text
}
