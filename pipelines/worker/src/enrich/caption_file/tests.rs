//! Caption files of every format, whole and damaged.

use super::*;
use crate::testing::{Media, progress_sink};

fn read(format: CaptionFormat, bytes: &[u8]) -> Result<(Vec<Cue>, Vec<TextLine>), Fault> {
    let media = Media::of(bytes);
    let sink = progress_sink();
    let job = CaptionFileJob { format, size_bytes: bytes.len() as u64 };
    let result = run(&job, &media.source(), sink.clone())?;
    let mut outputs = sink.all();
    fn lines<T: serde::de::DeserializeOwned>(bytes: Option<Vec<u8>>) -> Vec<T> {
        let bytes = bytes.unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }
    let (cues, text): (Vec<Cue>, Vec<TextLine>) =
        (lines(outputs.remove(CUES)), lines(outputs.remove(FILE_TEXT)));
    assert_eq!((cues.len() as u64, text.len() as u64), (result.cues, result.lines));
    Ok((cues, text))
}

/// Start and end in milliseconds, and what is shown.
fn shown(format: CaptionFormat, text: &str) -> Vec<(u64, u64, String)> {
    let (cues, _) = read(format, text.as_bytes()).unwrap();
    let ms = |ns: u64| ns / 1_000_000;
    cues.into_iter().map(|cue| (ms(cue.start_ns), ms(cue.end_ns.unwrap_or(0)), cue.text)).collect()
}

fn searched(format: CaptionFormat, text: &str) -> Vec<String> {
    read(format, text.as_bytes()).unwrap().1.into_iter().map(|line| line.text).collect()
}

const SRT: &str = "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Hello</i> {\\an8}there\r\nline two\r\n\r\n2\r\n00:01:00.5 --> 00:01:01\r\n- 4 < 5\r\n";
const VTT: &str = "WEBVTT - a title\n\nNOTE call 5551234\n\n1\n00:01.000 --> 00:02.500 align:start\n<v Ann>Hello</v>\n\n01:00:00.000 --> 01:00:01.000\nend\n";
const ASS: &str = "[Script Info]\nTitle: a title\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\nComment: 0,0:00:00.00,0:00:01.00,D,,0,0,0,,not shown\nDialogue: 0,0:00:01.00,0:00:02.50,D,Ann,0,0,0,,{\\i1}Hello{\\i0},\\Nthere\nDialogue: 0,0:00:03.00,0:00:04.00,D,,0,0,0,,{\\p1}m 0 0 l 1 1\n\n[Fonts]\nfontname: x.ttf\nABCDEF\n";
const TTML: &str = r#"<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="25" ttp:tickRate="1000">
<head><metadata><ttm:title xmlns:ttm="m">a title</ttm:title></metadata></head><!-- a comment -->
<body begin="1s"><div><p begin="00:00:00.000" end="1500ms">Hello<br/>
   <span>there &amp; &#x21;</span></p><p begin="2000t" dur="25f">x</p>
<p><span begin="00:00:09:05" end="00:00:10:00">y</span></p></div></body></tt>"#;

#[test]
fn captions_have_their_times_and_no_markup_and_all_other_text_is_searched() {
    let hello = |text: &str| (1_000, 2_500, text.to_owned());
    let srt = [hello("Hello there\nline two"), (60_500, 61_000, "- 4 < 5".to_owned())];
    assert_eq!(shown(CaptionFormat::SubRip, SRT), srt);
    assert_eq!(searched(CaptionFormat::SubRip, SRT), ["Hello {\\an8}there\nline two", "- 4 < 5"]);
    let vtt = [hello("Ann: Hello"), (3_600_000, 3_601_000, "end".to_owned())];
    assert_eq!(shown(CaptionFormat::WebVtt, VTT), vtt);
    assert_eq!(searched(CaptionFormat::WebVtt, VTT), ["Ann: Hello", "end", "- a title", "NOTE call 5551234"]);
    assert_eq!(shown(CaptionFormat::SubStation, ASS), [hello("Hello,\nthere")]);
    let words = searched(CaptionFormat::SubStation, ASS);
    assert_eq!(words[..2], ["Ann: Hello,\nthere", "m 0 0 l 1 1"]);
    assert!(
        words.contains(&"Title: a title".to_owned()) && words.iter().any(|line| line.contains("not shown"))
    );
    assert!(!words.contains(&"ABCDEF".to_owned()));
    let ttml = [hello("Hello\nthere & !"), (3_000, 4_000, "x".to_owned()), (10_200, 11_000, "y".to_owned())];
    assert_eq!(shown(CaptionFormat::Ttml, TTML), ttml);
    assert_eq!(searched(CaptionFormat::Ttml, TTML)[3..], ["a title", "a comment"]);
}

#[test]
fn utf_16_is_read_and_what_cannot_be_read_whole_is_refused_with_the_reason() {
    let utf16: Vec<u8> = format!("\u{feff}{SRT}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(CaptionFormat::SubRip, &utf16).unwrap().0.len(), 2);
    let code = |format, bytes: &[u8]| read(format, bytes).map(drop).map_err(|fault| fault.code);
    assert_eq!(
        code(CaptionFormat::SubRip, b"1\n00:00:01,000 --> 00:00:02,000\ncaf\xe9\n"),
        Err(Code::CaptionEncoding)
    );
    for (format, text) in [
        (CaptionFormat::WebVtt, SRT),
        (CaptionFormat::Ttml, SRT),
        (CaptionFormat::Ttml, "<html></html>"),
        (CaptionFormat::Ttml, &TTML[..TTML.len() - 5]),
        (CaptionFormat::SubStation, SRT),
        (CaptionFormat::SubRip, ASS),
        (CaptionFormat::SubRip, ""),
        (CaptionFormat::WebVtt, "WEBVTT\n"),
    ] {
        assert_eq!(code(format, text.as_bytes()), Err(Code::CaptionFormat), "{format:?}");
    }
    let long = format!("00:00:01,000 --> 00:00:02,000\n{}\n", "x".repeat(TEXT_BYTES_MAX + 1));
    assert_eq!(code(CaptionFormat::SubRip, long.as_bytes()), Err(Code::CaptionSize));
    let many = "00:00:01,000 --> 00:00:02,000\nx\n".repeat(CAPTIONS_MAX + 1);
    assert_eq!(code(CaptionFormat::SubRip, many.as_bytes()), Err(Code::CaptionSize));
    let large = vec![b'x'; CAPTION_FILE_BYTES_MAX as usize + 1];
    assert_eq!(code(CaptionFormat::SubRip, &large), Err(Code::CaptionSize));
}

#[test]
fn a_number_that_belongs_to_no_caption_is_searched() {
    let text = "123456789\n\n1\n00:00:01,000 --> 00:00:02,000\nx\n\n42\n";
    assert_eq!(searched(CaptionFormat::SubRip, text), ["x", "123456789", "42"]);
}

#[test]
fn damage_anywhere_ends_without_a_panic() {
    for (format, text) in [
        (CaptionFormat::SubRip, SRT),
        (CaptionFormat::WebVtt, VTT),
        (CaptionFormat::SubStation, ASS),
        (CaptionFormat::Ttml, TTML),
    ] {
        for at in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            for byte in [b'<', b':', b'9', b'\n', 0xff] {
                changed[at] = byte;
                let _ = read(format, &changed);
            }
            let _ = read(format, &text.as_bytes()[..at]);
        }
    }
}
