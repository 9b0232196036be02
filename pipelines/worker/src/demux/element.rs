//! A demuxer of our own as an element of GStreamer: one pad for each track, one thread.
//!
//! It reads from the source itself and has no sink pad. A track that nobody links is not read.

use gstreamer as gst;

use gst::glib;
use gst::prelude::*;
use reelgate_flow::caption_file::CaptionFlags;
use reelgate_flow::reason::Fault;
use reelgate_pipelines::messages::AudioRole;

use super::packet_source::PacketSource;

glib::wrapper! {
    pub struct Demuxer(ObjectSubclass<imp::Imp>) @extends gst::Element, gst::Object;
}

/// Opens a container when the pipeline starts. Fails with the fault of the file.
pub type Open = Box<dyn Fn() -> Result<Box<dyn PacketSource>, Fault> + Send + Sync>;

/// A new demuxer. GStreamer must be initialised.
pub fn demuxer(open: Open) -> gst::Element {
    let element: Demuxer = glib::Object::new();
    element.set_open(open);
    element.upcast()
}

/// Name of the event that takes the place of a sample which the index lists and the file does not have.
const MISSING: &str = "reelgate-missing-sample";

/// Whether an event takes the place of a sample that is missing.
pub fn is_missing_sample(event: &gst::EventRef) -> bool {
    event.structure().is_some_and(|structure| structure.name() == MISSING)
}

/// Name of the event that tells what a track is for.
const PURPOSE: &str = "reelgate-purpose";
/// Its field: words of [`audio_word`] and [`CAPTION_WORDS`].
const WORDS: &str = "words";
/// Words for flags of captions: forced, for people who do not hear, default.
const CAPTION_WORDS: [&str; 3] = ["forced", "hearing-impaired", "default"];

fn audio_word(role: AudioRole) -> Option<&'static str> {
    match role {
        AudioRole::Programme => None,
        AudioRole::Commentary => Some("commentary"),
        AudioRole::Description => Some("description"),
    }
}

/// What a track is for, if this event tells it.
pub fn purpose(event: &gst::EventRef) -> Option<(AudioRole, CaptionFlags)> {
    let structure = event.structure().filter(|structure| structure.name() == PURPOSE)?;
    let words: Vec<&str> = structure.get::<&str>(WORDS).ok()?.split(' ').collect();
    let role = [AudioRole::Commentary, AudioRole::Description];
    let role = role.into_iter().find(|role| audio_word(*role).is_some_and(|word| words.contains(&word)));
    let [forced, hearing_impaired, default] = CAPTION_WORDS.map(|word| words.contains(&word));
    Some((role.unwrap_or_default(), CaptionFlags { forced, hearing_impaired, default }))
}

fn purpose_event(role: AudioRole, captions: CaptionFlags) -> Option<gst::Event> {
    let CaptionFlags { forced, hearing_impaired, default } = captions;
    let flags = CAPTION_WORDS.into_iter().zip([forced, hearing_impaired, default]);
    let words = flags.filter(|(_, is_set)| *is_set).map(|(word, _)| word).chain(audio_word(role));
    let words: Vec<&str> = words.collect();
    let structure = gst::Structure::builder(PURPOSE).field(WORDS, words.join(" ")).build();
    (!words.is_empty()).then(|| gst::event::CustomDownstreamSticky::new(structure))
}

mod imp {
    use crate::demux::element::{Demuxer, MISSING, Open, purpose_event};
    use crate::demux::packet_source::{Content, PacketSource, Segment, Step, TrackHeader};
    use gstreamer as gst;
    use gstreamer::glib;

    use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

    use gst::prelude::*;
    use gst::subclass::prelude::*;

    impl Demuxer {
        pub fn set_open(&self, open: Open) {
            let is_first = self.imp().open.set(open).is_ok();
            assert!(is_first, "it is set once, right after construction");
        }
    }

    struct Stream {
        pad: gst::Pad,
        description: u32,
        has_ended: bool,
    }

    struct Session {
        reader: Box<dyn PacketSource>,
        streams: Vec<Stream>,
    }

    #[derive(Default)]
    pub struct Imp {
        open: OnceLock<Open>,
        session: Mutex<Option<Session>>,
        task: Mutex<Option<gst::Task>>,
        /// Held while the task works.
        lock: gst::TaskLock,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Imp {
        const NAME: &'static str = "ReelgateDemuxer";
        type Type = Demuxer;
        type ParentType = gst::Element;
    }

    impl ObjectImpl for Imp {}
    impl GstObjectImpl for Imp {}

    impl ElementImpl for Imp {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                let says = "Delivers the packets of a reader of ours";
                gst::subclass::ElementMetadata::new("Demuxer", "Codec/Demuxer", says, "Reelgate")
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                let (src, some) = (gst::PadDirection::Src, gst::PadPresence::Sometimes);
                gst::PadTemplate::new("src_%u", src, some, &gst::Caps::new_any()).into_iter().collect()
            });
            &TEMPLATES
        }

        fn change_state(
            &self,
            transition: gst::StateChange,
        ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
            // The parent deactivates the pads, so that a push that waits for room returns.
            let done = self.parent_change_state(transition)?;
            match transition {
                gst::StateChange::ReadyToPaused => self.start_task(),
                gst::StateChange::PausedToReady => self.stop_task(),
                _ => {}
            }
            Ok(done)
        }
    }

    fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    impl Imp {
        fn start_task(&self) {
            let element = self.obj().downgrade();
            let work = move |task: &gst::Task| {
                let goes_on = element.upgrade().is_some_and(|element| element.imp().work());
                if !goes_on {
                    // Refused only while the task is being stopped.
                    let _ = task.pause();
                }
            };
            let task = gst::Task::builder(work).lock(&self.lock).build();
            // A thread that cannot be made leaves the pipeline without a packet, and the stall budget ends it.
            let _ = task.start();
            *locked(&self.task) = Some(task);
        }

        fn stop_task(&self) {
            if let Some(task) = locked(&self.task).take() {
                // A step that is under way may still pause the task, and a paused task is never joined.
                let _ = task.stop();
                drop(self.lock.lock());
                let _ = task.join();
            }
            if let Some(session) = locked(&self.session).take() {
                for stream in session.streams {
                    // It is a pad of this element.
                    let _ = self.obj().remove_pad(&stream.pad);
                }
            }
        }

        /// One step of the task. False if there is nothing more to do.
        fn work(&self) -> bool {
            let mut session = locked(&self.session);
            let Some(Session { reader, streams }) = session.as_mut() else {
                drop(session);
                return self.open();
            };
            let step = reader.step();
            match step {
                Ok(Step::Packet(track, content)) => {
                    let stream = &mut streams[track];
                    let before = std::mem::replace(&mut stream.description, content.description);
                    let caps =
                        (before != content.description).then(|| reader.caps(track, content.description));
                    let pad = stream.pad.clone();
                    drop(session);
                    self.push(track, &pad, caps, content)
                }
                Ok(Step::Skipped) => true,
                Ok(Step::Missing(track)) => {
                    let pad = streams[track].pad.clone();
                    drop(session);
                    pad.push_event(gst::event::CustomDownstream::new(gst::Structure::new_empty(MISSING)));
                    true
                }
                Ok(Step::Found) => {
                    drop(session);
                    self.add_streams()
                }
                Ok(Step::TrackEnd(track)) => {
                    streams[track].has_ended = true;
                    let pad = streams[track].pad.clone();
                    drop(session);
                    pad.push_event(gst::event::Eos::new());
                    true
                }
                Ok(Step::End) => {
                    drop(session);
                    self.end_all();
                    false
                }
                Err(error) => {
                    drop(session);
                    gst::element_imp_error!(self, gst::ResourceError::Read, ["{}", error.kind()]);
                    self.end_all();
                    false
                }
            }
        }

        fn push(&self, track: usize, pad: &gst::Pad, caps: Option<gst::Caps>, content: Content) -> bool {
            if let Some(caps) = caps {
                pad.push_event(gst::event::Caps::new(&caps));
            }
            let begins = content.segment.is_some();
            if let Some(segment) = content.segment {
                pad.push_event(gst::event::Segment::new(&formatted(segment)));
            }
            let mut buffer = gst::Buffer::from_mut_slice(content.bytes);
            {
                let buffer = buffer.make_mut();
                buffer.set_pts(content.shown_ns.map(gst::ClockTime::from_nseconds));
                buffer.set_dts(content.decode_ns.map(gst::ClockTime::from_nseconds));
                let duration = content.duration_ns.filter(|ns| *ns > 0);
                buffer.set_duration(duration.map(gst::ClockTime::from_nseconds));
                if !content.keyframe {
                    buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
                }
                if begins {
                    buffer.set_flags(gst::BufferFlags::DISCONT);
                }
            }
            match pad.push(buffer) {
                Ok(_) => true,
                // A seek or the end of the pipeline.
                Err(gst::FlowError::Flushing) => false,
                Err(gst::FlowError::Eos | gst::FlowError::NotLinked) => {
                    if let Some(session) = locked(&self.session).as_mut() {
                        session.reader.set_active(track, false);
                    }
                    true
                }
                Err(_) => {
                    gst::element_imp_error!(self, gst::StreamError::Failed, ["a branch failed"]);
                    self.end_all();
                    false
                }
            }
        }

        /// Ends every track that has not ended.
        fn end_all(&self) {
            let pads: Vec<gst::Pad> = match locked(&self.session).as_mut() {
                Some(session) => {
                    let open = session.streams.iter_mut().filter(|stream| !stream.has_ended);
                    open.map(|stream| {
                        stream.has_ended = true;
                        stream.pad.clone()
                    })
                    .collect()
                }
                None => Vec::new(),
            };
            for pad in pads {
                pad.push_event(gst::event::Eos::new());
            }
        }

        /// Reads the index and adds the pads.
        fn open(&self) -> bool {
            let Some(open) = self.open.get() else { return false };
            match open() {
                Ok(reader) => *locked(&self.session) = Some(Session { reader, streams: Vec::new() }),
                Err(fault) => {
                    gst::element_imp_error!(self, gst::StreamError::Demux, ["{}", fault.code.as_str()]);
                    return false;
                }
            }
            let added = self.add_streams();
            self.obj().no_more_pads();
            added
        }

        /// Adds a pad for each track that has none.
        fn add_streams(&self) -> bool {
            loop {
                let (track, pad) = {
                    let mut session = locked(&self.session);
                    let Some(Session { reader, streams }) = session.as_mut() else { return false };
                    let track = streams.len();
                    if track == reader.tracks() {
                        return true;
                    }
                    let pad = self.pad(track, &reader.header(track));
                    streams.push(Stream { pad: pad.clone(), description: 0, has_ended: false });
                    (track, pad)
                };
                // Whoever gets to know the pad may ask it, so no lock is held.
                if self.obj().add_pad(&pad).is_err() {
                    return false;
                }
                if pad.is_linked()
                    && let Some(session) = locked(&self.session).as_mut()
                {
                    session.reader.set_active(track, true);
                }
            }
        }

        fn pad(&self, index: usize, header: &TrackHeader) -> gst::Pad {
            let template = self.obj().pad_template("src_%u").expect("the class has this template");
            let pad = gst::Pad::builder_from_template(&template)
                .name(format!("src_{index}"))
                .event_function(|pad, parent, event| {
                    Imp::catch_panic_pad_function(parent, || false, |imp| imp.event(pad, event))
                })
                .query_function(|pad, parent, query| {
                    Imp::catch_panic_pad_function(parent, || false, |imp| imp.query(pad, query))
                })
                .build();
            // Fails only for a pad that has a mode already.
            let _ = pad.set_active(true);
            let chosen = match header.is_chosen {
                Some(true) => gst::StreamFlags::SELECT,
                Some(false) => gst::StreamFlags::UNSELECT,
                None => gst::StreamFlags::empty(),
            };
            let id = format!("track-{index}");
            pad.push_event(gst::event::StreamStart::builder(&id).flags(chosen).build());
            pad.push_event(gst::event::Caps::new(&header.caps));
            if let Some(event) = purpose_event(header.role, header.captions) {
                pad.push_event(event);
            }
            let mut tags = gst::TagList::new();
            {
                let tags = tags.make_mut();
                tags.set_scope(gst::TagScope::Stream);
                if !header.language.is_empty() {
                    let language = header.language.as_str();
                    tags.add::<gst::tags::LanguageCode>(&language, gst::TagMergeMode::Replace);
                }
                if let Some(orientation) = header.orientation {
                    tags.add::<gst::tags::ImageOrientation>(&orientation, gst::TagMergeMode::Replace);
                }
            }
            pad.push_event(gst::event::Tag::new(tags));
            pad
        }

        fn event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
            match event.view() {
                gst::EventView::Seek(seek) => self.seek(seek),
                _ => gst::Pad::event_default(pad, Some(&*self.obj()), event),
            }
        }

        /// Only seeks with a flush to an absolute time are asked for.
        fn seek(&self, seek: &gst::event::Seek) -> bool {
            let (rate, flags, start_type, start, _, _) = seek.get();
            let gst::GenericFormattedValue::Time(Some(start)) = start else { return false };
            if rate != 1.0 || !flags.contains(gst::SeekFlags::FLUSH) || start_type != gst::SeekType::Set {
                return false;
            }
            let pads: Vec<gst::Pad> = match locked(&self.session).as_ref() {
                Some(session) => session.streams.iter().map(|stream| stream.pad.clone()).collect(),
                None => return false,
            };
            let Some(task) = locked(&self.task).clone() else { return false };
            for pad in &pads {
                pad.push_event(gst::event::FlushStart::new());
            }
            let _ = task.pause();
            let working = self.lock.lock();
            let mut can_seek = false;
            if let Some(Session { reader, streams }) = locked(&self.session).as_mut() {
                can_seek = reader.seek(start.nseconds(), flags.contains(gst::SeekFlags::TRICKMODE_KEY_UNITS));
                for (track, stream) in
                    streams.iter_mut().enumerate().filter(|(_, stream)| stream.pad.is_linked())
                {
                    stream.has_ended = false;
                    reader.set_active(track, true);
                }
            }
            for pad in &pads {
                pad.push_event(gst::event::FlushStop::new(true));
            }
            drop(working);
            task.start().is_ok() && can_seek
        }

        fn query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
            match query.view_mut() {
                gst::QueryViewMut::Duration(duration) if duration.format() == gst::Format::Time => {
                    let session = locked(&self.session);
                    let of_pad = |session: &Session| {
                        let track = session.streams.iter().position(|stream| &stream.pad == pad)?;
                        session.reader.end_ns(track)
                    };
                    let Some(end_ns) = session.as_ref().and_then(of_pad) else { return false };
                    duration.set(gst::ClockTime::from_nseconds(end_ns));
                    true
                }
                gst::QueryViewMut::Seeking(seeking) if seeking.format() == gst::Format::Time => {
                    seeking.set(true, gst::ClockTime::ZERO, gst::ClockTime::NONE);
                    true
                }
                _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
            }
        }
    }

    fn formatted(segment: Segment) -> gst::FormattedSegment<gst::ClockTime> {
        let time = gst::ClockTime::from_nseconds(segment.time_ns);
        let mut formatted = gst::FormattedSegment::<gst::ClockTime>::new();
        formatted.set_start(gst::ClockTime::from_nseconds(segment.start_ns));
        formatted.set_stop(segment.stop_ns.map(gst::ClockTime::from_nseconds));
        formatted.set_position(gst::ClockTime::from_nseconds(segment.start_ns));
        formatted.set_time(time);
        formatted.set_base(time);
        formatted
    }
}
