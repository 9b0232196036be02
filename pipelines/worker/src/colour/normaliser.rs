//! Gives the ladder pictures in limited range that a BT.709 or BT.601 screen shows as they are meant.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_video as gst_video;

use reelgate_flow::reason::{Code, Fault};

use super::component;
use super::described::{ContainerColour, described, needs_map, resolved};
use super::map::{self, ColourMap, Planes, Target};
use super::range::{self, ToLimited};

/// The change that the pictures of one stream need. Most need none, and then no byte of them is touched.
pub struct Normaliser {
    container: ContainerColour,
    change: Mutex<Change>,
}

#[derive(Clone)]
enum Change {
    None,
    Range(Arc<ToLimited>),
    Map(Arc<Mapping>),
}

struct Mapping {
    from: gst_video::VideoInfo,
    to: gst_video::VideoInfo,
    map: Arc<ColourMap>,
}

impl Normaliser {
    pub fn new(container: ContainerColour) -> Self {
        Self { container, change: Mutex::new(Change::None) }
    }

    /// Sets the format of the pictures that follow, and returns the format that they have after [`Self::apply`].
    pub fn set_format(&self, caps: gst::Caps) -> gst::Caps {
        let (change, caps) = self.planned(&caps).unwrap_or((Change::None, caps));
        *self.change.lock().unwrap_or_else(PoisonError::into_inner) = change;
        caps
    }

    /// It is `None` for pictures in R'G'B', whose matrix and range the converter applies.
    fn planned(&self, caps: &gst::Caps) -> Option<(Change, gst::Caps)> {
        let info = gst_video::VideoInfo::from_caps(caps).ok()?;
        let format = info.format_info();
        if !format.is_yuv() && !format.is_gray() {
            return None;
        }
        let own = resolved(&info, &described(caps, &self.container));
        let mut caps = caps.clone();
        let structure = caps.make_mut().structure_mut(0)?;
        let (change, colours) = if needs_map(&own) && component::is_readable(&format) {
            structure.set("format", "I420");
            structure.remove_fields(["chroma-site", "mastering-display-info", "content-light-level"]);
            let to = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, info.width(), info.height());
            let map = ColourMap::of(&own, Target::Video);
            (Change::Map(Arc::new(Mapping { to: to.build().ok()?, from: info, map })), map::bt709())
        } else if own.range() == gst_video::VideoColorRange::Range0_255 && range::is_changeable(&format) {
            let limited = gst_video::VideoColorimetry::new(
                gst_video::VideoColorRange::Range16_235,
                own.matrix(),
                own.transfer(),
                own.primaries(),
            );
            (Change::Range(Arc::new(ToLimited::new(&info))), limited)
        } else {
            (Change::None, own)
        };
        structure.set("colorimetry", colours.to_string());
        Some((change, caps))
    }

    /// Whether the pictures have another format after [`Self::apply`].
    pub fn changes_format(&self) -> bool {
        matches!(*self.change.lock().unwrap_or_else(PoisonError::into_inner), Change::Map(_))
    }

    /// Changes one picture, if its stream needs it.
    ///
    /// Fails with `internal` if the picture does not have the declared format.
    pub fn apply(&self, buffer: &mut gst::Buffer) -> Result<(), Fault> {
        let change = self.change.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let changed = match change {
            Change::None => return Ok(()),
            Change::Range(to_limited) => to_limited.apply(buffer),
            Change::Map(mapping) => mapping.mapped(buffer).map(|mapped| *buffer = mapped),
        };
        changed.ok_or_else(|| {
            Fault::new(
                Code::Internal,
                "cannot convert the colours: expected a picture of the declared format",
            )
        })
    }
}

impl Mapping {
    fn mapped(&self, buffer: &gst::Buffer) -> Option<gst::Buffer> {
        let from = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &self.from).ok()?;
        let mut mapped = gst::Buffer::with_size(self.to.size()).ok()?;
        let (strides, offsets) = (self.to.stride(), self.to.offset());
        let stride = |plane: usize| usize::try_from(strides[plane]).unwrap_or(0);
        {
            let writable = mapped.get_mut()?;
            let kept = gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::TIMESTAMPS;
            buffer.copy_into(writable, kept, ..).ok()?;
            let mut bytes = writable.map_writable().ok()?;
            let (luma, chroma) = bytes.split_at_mut_checked(*offsets.get(1)?)?;
            let (blue, red) = chroma.split_at_mut_checked(offsets.get(2)?.checked_sub(offsets[1])?)?;
            let planes = Planes { luma: (luma, stride(0)), blue: (blue, stride(1)), red: (red, stride(2)) };
            self.map.convert(&from, planes)?;
        }
        Some(mapped)
    }
}
