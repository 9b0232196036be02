//! The only access to untrusted bytes: a source file behind a descriptor that was opened before the jail closed.
//!
//! The source element is our own [`gst_base::BaseSrc`]. It reads with `pread`, so several pipelines share one
//! descriptor without sharing a position, and no code here ever sees a path or an address. The element offers random
//! access, so demuxers pull, as they do for ordinary files.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use gstreamer as gst;
use gstreamer_base as gst_base;

use gst::glib;
use gst::prelude::*;

/// A read-only source. It is cheap to clone, and every clone reads the same descriptor.
#[derive(Clone, Debug)]
pub struct Source {
    fd: Arc<OwnedFd>,
    start: u64,
    size_bytes: u64,
}

impl Source {
    /// Takes a descriptor that can be read at any offset and the number of bytes behind it.
    pub fn new(fd: OwnedFd, size_bytes: u64) -> Self {
        Self { fd: Arc::new(fd), start: 0, size_bytes }
    }

    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The same source without its first `skip` bytes. The result is empty if `skip` is past the end.
    pub fn skip(&self, skip: u64) -> Self {
        let skip = skip.min(self.size_bytes);
        Self { fd: self.fd.clone(), start: self.start + skip, size_bytes: self.size_bytes - skip }
    }

    /// The first `bytes` bytes of the source, or all of it if it is shorter.
    pub fn take(&self, bytes: u64) -> Self {
        Self { fd: self.fd.clone(), start: self.start, size_bytes: self.size_bytes.min(bytes) }
    }

    /// Reads up to `buffer.len()` bytes at `offset`. It reads fewer only at the end of the source.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.size_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let mut filled = 0;
        while filled < wanted {
            let at = self.start.saturating_add(offset).saturating_add(filled as u64);
            match rustix::io::pread(&*self.fd, &mut buffer[filled..wanted], at) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(filled)
    }

    /// A new source element for one pipeline. GStreamer must be initialised.
    pub fn element(&self) -> gst::Element {
        let element: element::SourceElement = glib::Object::new();
        element.set_source(self.clone());
        element.upcast()
    }
}

mod element {
    use super::{Source, glib, gst, gst_base};

    use gst::subclass::prelude::*;
    use gst_base::prelude::*;
    use gst_base::subclass::prelude::*;
    use std::sync::{LazyLock, OnceLock};

    /// Bytes per buffer in push mode: small enough for regular progress, large enough for few system calls.
    const BLOCK_BYTES: u32 = 64 * 1024;

    glib::wrapper! {
        pub struct SourceElement(ObjectSubclass<Imp>)
            @extends gst_base::BaseSrc, gst::Element, gst::Object;
    }

    impl SourceElement {
        pub fn set_source(&self, source: Source) {
            self.imp().source.set(source).expect("the source is set once, right after construction");
        }
    }

    #[derive(Default)]
    pub struct Imp {
        source: OnceLock<Source>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Imp {
        const NAME: &'static str = "ReelgateSource";
        type Type = SourceElement;
        type ParentType = gst_base::BaseSrc;
    }

    impl ObjectImpl for Imp {
        fn constructed(&self) {
            self.parent_constructed();
            let obj = self.obj();
            obj.set_format(gst::Format::Bytes);
            obj.set_blocksize(BLOCK_BYTES);
        }
    }

    impl GstObjectImpl for Imp {}

    impl ElementImpl for Imp {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new("Source", "Source", "Reads one descriptor", "Reelgate")
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                let caps = gst::Caps::new_any();
                gst::PadTemplate::new("src", gst::PadDirection::Src, gst::PadPresence::Always, &caps)
                    .into_iter()
                    .collect()
            });
            &TEMPLATES
        }
    }

    impl BaseSrcImpl for Imp {
        fn start(&self) -> Result<(), gst::ErrorMessage> {
            Ok(())
        }

        fn stop(&self) -> Result<(), gst::ErrorMessage> {
            Ok(())
        }

        fn is_seekable(&self) -> bool {
            true
        }

        fn size(&self) -> Option<u64> {
            self.source.get().map(Source::size_bytes)
        }

        fn fill(
            &self,
            offset: u64,
            length: u32,
            buffer: &mut gst::BufferRef,
        ) -> Result<gst::FlowSuccess, gst::FlowError> {
            let source = self.source.get().ok_or(gst::FlowError::Error)?;
            let read = {
                let mut map = buffer.map_writable().map_err(|_| gst::FlowError::Error)?;
                let wanted = map.len().min(length as usize);
                source.read_at(offset, &mut map[..wanted])
            };
            let read = read.map_err(|error| {
                gst::element_imp_error!(self, gst::ResourceError::Read, ["{}", error.kind()]);
                gst::FlowError::Error
            })?;
            if read == 0 {
                return Err(gst::FlowError::Eos);
            }
            if read < buffer.size() {
                buffer.set_size(read);
            }
            buffer.set_offset(offset);
            buffer.set_offset_end(offset + read as u64);
            Ok(gst::FlowSuccess::Ok)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::source;

    #[test]
    fn reads_stop_at_the_end_of_the_source_and_of_its_tail() {
        let whole = source(b"0123456789");
        let mut buffer = [0; 4];
        assert_eq!(whole.read_at(8, &mut buffer).unwrap(), 2);
        assert_eq!(&buffer[..2], b"89");
        assert_eq!(whole.read_at(u64::MAX, &mut buffer).unwrap(), 0);
        let tail = whole.skip(7);
        assert_eq!((tail.size_bytes(), tail.read_at(0, &mut buffer).unwrap()), (3, 3));
        assert_eq!(&buffer[..3], b"789");
        assert_eq!(whole.skip(11).size_bytes(), 0);
        let middle = tail.take(2);
        assert_eq!((middle.size_bytes(), middle.read_at(1, &mut buffer).unwrap()), (2, 1));
        assert_eq!(tail.take(9).size_bytes(), 3);
    }

    #[test]
    fn two_elements_share_one_descriptor_without_sharing_a_position() {
        gst::init().unwrap();
        let bytes: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
        let source = source(&bytes);
        for _ in 0..2 {
            let pipeline = gst::Pipeline::new();
            let element = source.element();
            let sink = gst::ElementFactory::make("appsink").property("sync", false).build().unwrap();
            pipeline.add_many([&element, &sink]).unwrap();
            element.link(&sink).unwrap();
            pipeline.set_state(gst::State::Playing).unwrap();
            let sink = sink.downcast::<gstreamer_app::AppSink>().unwrap();
            let mut read = Vec::new();
            while let Ok(sample) = sink.pull_sample() {
                read.extend_from_slice(&sample.buffer().unwrap().map_readable().unwrap());
            }
            pipeline.set_state(gst::State::Null).unwrap();
            assert_eq!(read, bytes);
        }
    }
}
