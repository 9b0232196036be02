//! Init segments: `ftyp` and a `moov` that lists one track and no samples (ISO/IEC 14496-12 8.8.1).

use mp4_atom::{
    Atom, Audio, Avc1, Avcc, AvccExt, Codec, Decode, Dinf, Dref, DrefEntry, Edts, Elst, ElstEntry, Encode,
    Esds, FixedPoint, FourCC, Ftyp, Hdlr, Mdhd, Mdia, Minf, Moov, Mp4a, Mvex, Mvhd, Smhd, Stbl, Stco, Stsc,
    Stsd, Stsz, StszSamples, Stts, Tkhd, Trak, Trex, Url, Visual, Vmhd, esds,
};
use reelgate_flow::reason::{Code, Fault};

use super::box_error::unwritable;

/// Every file contains one track.
pub(super) const TRACK_ID: u32 = 1;

/// Properties of an encoded track that the init segment and the playlists need.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Track {
    /// RFC 6381 codec string.
    pub codecs: String,
    entry: Codec,
}

/// A video track from the encoder's `avcC` record (ISO/IEC 14496-15 5.3.3.1).
pub fn avc_track(avcc: &[u8], width: u32, height: u32) -> Result<Track, Fault> {
    let mut rest = avcc;
    let mut avcc = Avcc::decode_body(&mut rest).map_err(|_| unexpected("avcC record"))?;
    let needs_formats = matches!(avcc.avc_profile_indication, 100 | 110 | 122 | 144);
    if needs_formats && avcc.ext.is_none() {
        // Encoders may omit the formats. High profile requires them, and we encode only 8-bit 4:2:0.
        avcc.ext = Some(AvccExt::default());
    }
    let codecs = format!(
        "avc1.{:02X}{:02X}{:02X}",
        avcc.avc_profile_indication, avcc.profile_compatibility, avcc.avc_level_indication
    );
    let side = |pixels| u16::try_from(pixels).map_err(|_| unexpected("picture side"));
    let visual =
        Visual { data_reference_index: 1, width: side(width)?, height: side(height)?, ..Visual::default() };
    Ok(Track { codecs, entry: Codec::Avc1(Avc1 { visual, avcc, ..Avc1::default() }) })
}

/// An audio track from an AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1); `bitrate_bps` is informative.
pub fn aac_track(config: &[u8], sample_rate: u32, channels: u8, bitrate_bps: u32) -> Result<Track, Fault> {
    let dec_specific =
        esds::DecoderSpecific::decode(&mut &config[..]).map_err(|_| unexpected("AudioSpecificConfig"))?;
    if dec_specific.profile == 0 {
        return Err(unexpected("AudioSpecificConfig")); // too short to hold an audio object type
    }
    let codecs = format!("mp4a.40.{}", dec_specific.profile);
    let sample_rate = u16::try_from(sample_rate).map_err(|_| unexpected("sample rate"))?;
    let dec_config = esds::DecoderConfig {
        object_type_indication: 0x40, // ISO/IEC 14496-3
        stream_type: 0x05,            // audio
        max_bitrate: bitrate_bps,
        avg_bitrate: bitrate_bps,
        dec_specific: Some(dec_specific),
        ..esds::DecoderConfig::default()
    };
    let es_desc = esds::EsDescriptor { dec_config, ..esds::EsDescriptor::default() };
    let audio = Audio {
        data_reference_index: 1,
        channel_count: channels.into(),
        sample_size: 16,
        sample_rate: sample_rate.into(),
    };
    let entry = Codec::Mp4a(Mp4a { audio, esds: Esds { es_desc }, btrt: None, taic: None });
    Ok(Track { codecs, entry })
}

/// The init segment. Presentation begins `skip` ticks into the media timeline: after the composition delay of video, or
/// after the priming of sound.
pub fn init(track: &Track, timescale: u32, skip: u64) -> Result<Vec<u8>, Fault> {
    // Duration 0: the edit lasts to the end of a movie whose fragments follow later (14496-12 8.6.6).
    let entry = ElstEntry { segment_duration: 0, media_time: Some(skip), media_rate: 1.into() };
    let edits = (skip > 0).then(|| Edts { elst: Some(Elst { entries: vec![entry] }) });
    let ftyp = Ftyp {
        major_brand: FourCC::new(b"cmfc"),
        minor_version: 0,
        compatible_brands: [b"cmfc", b"iso6", b"mp41"].map(FourCC::new).to_vec(),
    };
    let moov = Moov {
        mvhd: Mvhd {
            timescale,
            next_track_id: TRACK_ID + 1,
            rate: 1.into(),
            volume: 1.into(),
            ..Mvhd::default()
        },
        mvex: Some(Mvex {
            mehd: None,
            trex: vec![Trex { track_id: TRACK_ID, default_sample_description_index: 1, ..Trex::default() }],
        }),
        trak: vec![trak(track, timescale, edits)],
        ..Moov::default()
    };
    let mut bytes = Vec::new();
    ftyp.encode(&mut bytes).map_err(unwritable)?;
    moov.encode(&mut bytes).map_err(unwritable)?;
    Ok(bytes)
}

fn trak(track: &Track, timescale: u32, edts: Option<Edts>) -> Trak {
    let sides = match &track.entry {
        Codec::Avc1(avc) => Some((avc.visual.width, avc.visual.height)),
        _ => None,
    };
    let (width, height) = sides.unwrap_or_default();
    let (handler, name) = if sides.is_some() { (b"vide", "video") } else { (b"soun", "sound") };
    let url = DrefEntry::Url(Url { location: String::new() });
    Trak {
        tkhd: Tkhd {
            track_id: TRACK_ID,
            enabled: true,
            in_movie: true,
            volume: FixedPoint::from(u8::from(sides.is_none())),
            width: width.into(),
            height: height.into(),
            ..Tkhd::default()
        },
        edts,
        mdia: Mdia {
            mdhd: Mdhd { timescale, language: "und".into(), ..Mdhd::default() },
            hdlr: Hdlr { handler: FourCC::new(handler), name: name.into() },
            minf: Minf {
                vmhd: sides.is_some().then(Vmhd::default),
                smhd: sides.is_none().then(Smhd::default),
                dinf: Dinf { dref: Dref { entries: vec![url] } },
                stbl: no_samples(track.entry.clone()),
                ..Minf::default()
            },
        },
        ..Trak::default()
    }
}

fn no_samples(entry: Codec) -> Stbl {
    Stbl {
        stsd: Stsd { codecs: vec![entry] },
        stts: Stts::default(),
        stsc: Stsc::default(),
        stsz: Stsz { samples: StszSamples::Different { sizes: Vec::new() } },
        stco: Some(Stco::default()),
        ..Stbl::default()
    }
}

fn unexpected(what: &str) -> Fault {
    Fault::new(Code::Internal, format!("unexpected {what} from the encoder"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// High, level 3.1, one parameter set of each kind, without the format fields.
    const AVCC: &[u8] =
        &[1, 0x64, 0, 0x1F, 0xFF, 0xE1, 0, 4, 0x67, 0x64, 0, 0x1F, 1, 0, 4, 0x68, 0xEB, 0xE3, 0xCB];

    fn moov(bytes: &[u8]) -> Moov {
        let mut rest = bytes;
        Ftyp::decode(&mut rest).unwrap();
        Moov::decode(&mut rest).unwrap()
    }

    #[test]
    fn video_declares_its_formats_and_has_no_needless_edit() {
        let track = avc_track(AVCC, 1280, 720).unwrap();
        assert_eq!(track.codecs, "avc1.64001F");
        let moov = moov(&init(&track, 30_000, 0).unwrap());
        assert!(moov.mvex.is_some());
        let trak = &moov.trak[0];
        assert!(trak.edts.is_none());
        assert_eq!(trak.mdia.mdhd.timescale, 30_000);
        let Codec::Avc1(avc) = &trak.mdia.minf.stbl.stsd.codecs[0] else { panic!("not avc1") };
        assert_eq!((avc.visual.width, avc.visual.height), (1280, 720));
        assert_eq!(avc.avcc.ext, Some(AvccExt::default()));
    }

    #[test]
    fn an_edit_skips_the_priming_of_sound() {
        let track = aac_track(&[0x11, 0x90], 48_000, 2, 128_000).unwrap();
        assert_eq!(track.codecs, "mp4a.40.2");
        let moov = moov(&init(&track, 48_000, 1024).unwrap());
        let edit = &moov.trak[0].edts.as_ref().unwrap().elst.as_ref().unwrap().entries[0];
        assert_eq!((edit.media_time, edit.segment_duration), (Some(1024), 0));
    }

    #[test]
    fn a_record_cut_short_is_refused() {
        assert_eq!(avc_track(&AVCC[..9], 16, 16).unwrap_err().code, Code::Internal);
        assert_eq!(aac_track(&[], 48_000, 2, 1).unwrap_err().code, Code::Internal);
    }
}
