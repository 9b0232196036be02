//! Scales pictures of 4:2:0 with eight bits, plane by plane, by Catmull-Rom splines (Mitchell and Netravali, "Reconstruction
//! Filters in Computer Graphics", 1988, with B = 0 and C = 1/2), widened where pictures get smaller.
//!
//! GStreamer's own scaler has no filter that fits: `bilinear` takes two samples, so small rungs flicker, `bilinear2` is
//! blurred, and in GStreamer 1.22 those with negative weights darken every picture by one to two steps of 255. Nor may it add
//! bars where the shape of the picture changes within a film.

use gstreamer as gst;
use gstreamer_base as gst_base;
use gstreamer_video as gst_video;

use gst::glib;

glib::wrapper! {
    /// Takes its size from the caps behind it.
    pub struct Scaler(ObjectSubclass<imp::Imp>)
        @extends gst_video::VideoFilter, gst_base::BaseTransform, gst::Element, gst::Object;
}

mod imp {
    use crate::video::bars::{self, Area, BLACK};
    use crate::video::scaler::Scaler;
    use std::sync::{LazyLock, Mutex, PoisonError};

    use fast_image_resize::images::{TypedCroppedImage, TypedCroppedImageMut, TypedImage, TypedImageRef};
    use fast_image_resize::pixels::U8;
    use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
    use gst_base::subclass::BaseTransformMode;
    use gst_video::prelude::*;
    use gst_video::subclass::prelude::*;
    use gstreamer as gst;
    use gstreamer::glib;
    use gstreamer_base as gst_base;
    use gstreamer_video as gst_video;

    #[derive(Default)]
    pub struct Imp {
        /// It keeps memory from picture to picture.
        resizer: Mutex<Resizer>,
        /// Where the pictures go; `None` for the whole output.
        area: Mutex<Option<Area>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Imp {
        const NAME: &'static str = "ReelgateScaler";
        type Type = Scaler;
        type ParentType = gst_video::VideoFilter;
    }

    impl ObjectImpl for Imp {}
    impl GstObjectImpl for Imp {}

    impl ElementImpl for Imp {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                let says = "Scales pictures by cubic splines";
                gst::subclass::ElementMetadata::new(
                    "Scaler",
                    "Filter/Converter/Video/Scaler",
                    says,
                    "Reelgate",
                )
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                let caps = gst_video::VideoCapsBuilder::new().format(gst_video::VideoFormat::I420).build();
                let directions = [("sink", gst::PadDirection::Sink), ("src", gst::PadDirection::Src)];
                let template = |(name, direction)| {
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).ok()
                };
                directions.into_iter().filter_map(template).collect()
            });
            &TEMPLATES
        }
    }

    impl BaseTransformImpl for Imp {
        const MODE: BaseTransformMode = BaseTransformMode::NeverInPlace;
        const PASSTHROUGH_ON_SAME_CAPS: bool = true;
        const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

        /// Everything but the size stays.
        fn transform_caps(
            &self,
            _: gst::PadDirection,
            caps: &gst::Caps,
            filter: Option<&gst::Caps>,
        ) -> Option<gst::Caps> {
            let mut caps = caps.clone();
            for structure in caps.make_mut().iter_mut() {
                structure.set("width", gst::IntRange::new(1, i32::MAX));
                structure.set("height", gst::IntRange::new(1, i32::MAX));
                structure.remove_field("pixel-aspect-ratio");
            }
            Some(match filter {
                Some(filter) => filter.intersect_with_mode(&caps, gst::CapsIntersectMode::First),
                None => caps,
            })
        }
    }

    impl VideoFilterImpl for Imp {
        fn set_info(
            &self,
            _: &gst::Caps,
            from: &gst_video::VideoInfo,
            _: &gst::Caps,
            to: &gst_video::VideoInfo,
        ) -> Result<(), gst::LoggableError> {
            *self.area.lock().unwrap_or_else(PoisonError::into_inner) = bars::area(from, to);
            Ok(())
        }

        fn transform_frame(
            &self,
            from: &gst_video::VideoFrameRef<&gst::BufferRef>,
            to: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
        ) -> Result<gst::FlowSuccess, gst::FlowError> {
            let mut resizer = self.resizer.lock().unwrap_or_else(PoisonError::into_inner);
            let area = *self.area.lock().unwrap_or_else(PoisonError::into_inner);
            for plane in 0..from.n_planes() {
                scale(&mut resizer, from, to, plane, area).ok_or(gst::FlowError::Error)?;
            }
            Ok(gst::FlowSuccess::Ok)
        }
    }

    /// Scales one plane. It is `None` if a plane has not the size that its caps say.
    fn scale(
        resizer: &mut Resizer,
        from: &gst_video::VideoFrameRef<&gst::BufferRef>,
        to: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
        plane: u32,
        area: Option<Area>,
    ) -> Option<()> {
        let at = plane as usize;
        let (rows, columns) = (from.comp_height(plane), from.comp_width(plane));
        let stride = u32::try_from(*from.plane_stride().get(at)?).ok()?;
        let whole: TypedImageRef<U8> =
            TypedImageRef::from_buffer(stride, rows, from.plane_data(plane).ok()?).ok()?;
        // Without it, the filter would reach into the padding behind each row.
        let source = TypedCroppedImage::new(whole, 0, 0, columns, rows).ok()?;
        // The last sample of chroma belongs half to the picture if its size is odd.
        let side =
            |luma: u32, samples: u32| if samples < luma { f64::from(luma) / 2.0 } else { f64::from(luma) };
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom)).crop(
            0.0,
            0.0,
            side(from.width(), columns),
            side(from.height(), rows),
        );
        let (rows, columns) = (to.comp_height(plane), to.comp_width(plane));
        let stride = u32::try_from(*to.plane_stride().get(at)?).ok()?;
        let samples = to.plane_data_mut(plane).ok()?;
        let [left, top, columns, wanted_rows] = match area {
            None => [0, 0, columns, rows],
            Some(Area { left, top, width, height }) => {
                samples.fill(*BLACK.get(at)?);
                [left, top, width, height].map(|luma| if plane == 0 { luma } else { luma / 2 })
            }
        };
        let whole: TypedImage<U8> = TypedImage::from_buffer(stride, rows, samples).ok()?;
        let mut target = TypedCroppedImageMut::new(whole, left, top, columns, wanted_rows).ok()?;
        resizer.resize_typed(&source, &mut target, &options).ok()
    }
}

#[cfg(test)]
mod tests {
    use gst_video::prelude::*;
    use gstreamer_app as gst_app;

    use super::*;

    /// Scales one picture of 4:2:0 and returns its planes without padding.
    fn scaled(
        luma: impl Fn(usize, usize) -> u8,
        chroma: u8,
        (width, height): (u32, u32),
        to: (u32, u32),
    ) -> [Vec<u8>; 3] {
        gst::init().unwrap();
        let from = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height);
        let from = from.fps(gst::Fraction::new(25, 1)).build().unwrap();
        let mut buffer = gst::Buffer::with_size(from.size()).unwrap();
        {
            let mut frame =
                gst_video::VideoFrameRef::from_buffer_ref_writable(buffer.get_mut().unwrap(), &from).unwrap();
            let stride = from.stride()[0] as usize;
            for (row, samples) in frame.plane_data_mut(0).unwrap().chunks_mut(stride).enumerate() {
                samples.iter_mut().enumerate().for_each(|(column, sample)| *sample = luma(column, row));
            }
            for plane in 1..3 {
                frame.plane_data_mut(plane).unwrap().fill(chroma);
            }
        }
        let (source, scaler) = (
            gst_app::AppSrc::builder().caps(&from.to_caps().unwrap()).format(gst::Format::Time).build(),
            glib::Object::new::<Scaler>(),
        );
        let size = gst::Caps::builder("video/x-raw").field("width", to.0 as i32).field("height", to.1 as i32);
        let size = size.field("pixel-aspect-ratio", gst::Fraction::new(1, 1)).build();
        let filter = gst::ElementFactory::make("capsfilter").property("caps", size);
        let (filter, sink) = (filter.build().unwrap(), gst_app::AppSink::builder().sync(false).build());
        let pipeline = gst::Pipeline::new();
        let chain: [&gst::Element; 4] =
            [source.upcast_ref(), scaler.upcast_ref(), &filter, sink.upcast_ref()];
        pipeline.add_many(chain).unwrap();
        gst::Element::link_many(chain).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        source.push_buffer(buffer).unwrap();
        source.end_of_stream().unwrap();
        let sample = sink.pull_sample().unwrap();
        let to = gst_video::VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
        let frame =
            gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer().unwrap(), &to).unwrap();
        let planes = [0, 1, 2].map(|plane| {
            let (stride, columns) = (to.stride()[plane as usize] as usize, frame.comp_width(plane) as usize);
            frame.plane_data(plane).unwrap().chunks(stride).flat_map(|row| row[..columns].to_vec()).collect()
        });
        pipeline.set_state(gst::State::Null).unwrap();
        planes
    }

    #[test]
    fn levels_stay_whatever_the_sizes_are() {
        for (from, to) in
            [((1280, 720), (426, 240)), ((321, 181), (160, 90)), ((64, 48), (640, 480)), ((66, 50), (66, 50))]
        {
            for level in [16, 32, 224, 235, 254] {
                let [luma, u, v] = scaled(|_, _| level, level / 2, from, to);
                assert_eq!(luma.len(), (to.0 * to.1) as usize);
                assert!(luma.iter().all(|sample| *sample == level), "{level} from {from:?} to {to:?}");
                assert!(
                    [u, v].concat().iter().all(|sample| *sample == level / 2),
                    "{level} from {from:?} to {to:?}"
                );
            }
        }
    }

    #[test]
    fn a_picture_of_another_shape_keeps_its_own_between_black_bars() {
        let [luma, u, v] = scaled(|_, _| 150, 90, (64, 48), (160, 90));
        for (at, sample) in luma.iter().enumerate() {
            let is_picture = (20..140).contains(&(at % 160));
            assert_eq!(*sample, if is_picture { 150 } else { 16 }, "column {}", at % 160);
        }
        for (at, sample) in u.iter().chain(&v).enumerate() {
            let is_picture = (10..70).contains(&(at % 80));
            assert_eq!(*sample, if is_picture { 90 } else { 128 }, "column {}", at % 80);
        }
    }

    #[test]
    fn a_grid_too_fine_for_the_small_picture_becomes_grey_and_an_edge_stays_in_its_place() {
        let [fine, ..] =
            scaled(|column, _| if column % 2 == 0 { 40 } else { 200 }, 128, (1280, 720), (426, 240));
        assert!(fine.iter().all(|sample| (110..=130).contains(sample)), "{:?}", &fine[..20]);
        let [edge, ..] =
            scaled(|column, _| if column < 640 { 40 } else { 200 }, 128, (1280, 720), (320, 180));
        let row = &edge[..320];
        assert!(
            row[..157].iter().all(|sample| *sample == 40) && row[163..].iter().all(|sample| *sample == 200)
        );
        assert!(row[159] < 120 && row[160] > 120, "{:?}", &row[156..164]);
    }
}
