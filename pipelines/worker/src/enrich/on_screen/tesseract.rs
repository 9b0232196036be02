//! Tesseract behind its C API, loaded by name and only where a job reads text: the library brings some fifty others,
//! which no other worker should map. Everything is loaded before the jail closes; afterwards it only computes.

use std::ffi::{CStr, CString, c_char, c_float, c_int, c_void};

use libloading::Library;

/// What Debian and most distributions call it; the number is that of its binary interface.
const LIBRARY: &str = "libtesseract.so.5";
/// Where the engine says which languages to load, joined by `+`.
pub const LANGUAGES_VARIABLE: &str = reelgate_pipelines::client::LANGUAGES_VARIABLE;
/// Neural networks alone (`OEM_LSTM_ONLY`): the older engine's data are not in Debian's packages.
const LSTM_ONLY: c_int = 1;
/// Text anywhere, in no order (`PSM_SPARSE_TEXT`), and one line (`PSM_SINGLE_LINE`).
const SPARSE_TEXT: c_int = 11;
const SINGLE_LINE: c_int = 7;
/// A line of text (`RIL_TEXTLINE`).
const LINE: c_int = 2;
/// Assumed where pictures have none, and what the networks were trained at.
const DOTS_PER_INCH: c_int = 300;

type Handle = *mut c_void;

/// Functions of `capi.h` of Tesseract 5, as declared there.
struct Functions {
    delete: unsafe extern "C" fn(Handle),
    set_variable: unsafe extern "C" fn(Handle, *const c_char, *const c_char) -> c_int,
    set_mode: unsafe extern "C" fn(Handle, c_int),
    set_image: unsafe extern "C" fn(Handle, *const u8, c_int, c_int, c_int, c_int),
    set_resolution: unsafe extern "C" fn(Handle, c_int),
    set_rectangle: unsafe extern "C" fn(Handle, c_int, c_int, c_int, c_int),
    recognize: unsafe extern "C" fn(Handle, *mut c_void) -> c_int,
    clear: unsafe extern "C" fn(Handle),
    iterator: unsafe extern "C" fn(Handle) -> Handle,
    iterator_delete: unsafe extern "C" fn(Handle),
    iterator_next: unsafe extern "C" fn(Handle, c_int) -> c_int,
    iterator_text: unsafe extern "C" fn(Handle, c_int) -> *mut c_char,
    iterator_confidence: unsafe extern "C" fn(Handle, c_int) -> c_float,
    iterator_page: unsafe extern "C" fn(Handle) -> Handle,
    bounding_box:
        unsafe extern "C" fn(Handle, c_int, *mut c_int, *mut c_int, *mut c_int, *mut c_int) -> c_int,
    delete_text: unsafe extern "C" fn(*mut c_char),
}

/// A loaded engine with its languages.
pub struct Tesseract {
    functions: Functions,
    handle: Handle,
    /// Last, so that it is unloaded after everything that points into it.
    _library: Library,
}

// SAFETY: an instance of the engine has no tie to the thread that made it; it is used by one at a time through `&mut`.
unsafe impl Send for Tesseract {}

/// A rectangle of the picture that was given, pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Area {
    /// Leftmost column.
    pub left: i32,
    /// Topmost line.
    pub top: i32,
    /// Column after the last one.
    pub right: i32,
    /// Line after the last one.
    pub bottom: i32,
}

/// A line of text as read.
#[derive(Clone, PartialEq, Debug)]
pub struct OcrReading {
    /// The text.
    pub text: String,
    /// 0 to 100.
    pub confidence: f32,
    /// Around its letters.
    pub area: Area,
}

impl Tesseract {
    /// Loads the library and the languages named in the environment; `None` where none is named or something is not
    /// installed. To be called before the jail closes.
    pub fn from_environment() -> Option<Self> {
        let languages = std::env::var(LANGUAGES_VARIABLE).ok()?;
        Self::load(&languages)
    }

    /// Loads the library and languages joined by `+`.
    pub fn load(languages: &str) -> Option<Self> {
        let languages = CString::new(languages).ok()?;
        // SAFETY: the library's initialisers are those of Debian's package; they start nothing and run no code of ours.
        let library = unsafe { Library::new(LIBRARY) }.ok()?;
        // SAFETY: names and types are those of `capi.h` of the version in the library's name; the pointers are used
        // no longer than `library` lives, which the struct holds.
        let (functions, create, init) = unsafe {
            let functions = functions(&library)?;
            let create: unsafe extern "C" fn() -> Handle = *library.get(b"TessBaseAPICreate\0").ok()?;
            let init: unsafe extern "C" fn(Handle, *const c_char, *const c_char, c_int) -> c_int =
                *library.get(b"TessBaseAPIInit2\0").ok()?;
            (functions, create, init)
        };
        // SAFETY: takes nothing and gives an instance that `Drop` deletes.
        let handle = unsafe { create() };
        let mut loaded = Self { functions, handle, _library: library };
        // SAFETY: the instance is live, the language a terminated string; without a path the library's own is used.
        let failed = unsafe { init(loaded.handle, std::ptr::null(), languages.as_ptr(), LSTM_ONLY) };
        if failed != 0 {
            return None;
        }
        // Every letter it says while it works could quote the picture.
        loaded.set(c"debug_file", c"/dev/null");
        Some(loaded)
    }

    /// Finds lines of text anywhere in a grey picture without padding.
    pub fn find(&mut self, luma: &[u8], width: usize, height: usize) -> Vec<OcrReading> {
        if !self.show(luma, width, height) {
            return Vec::new();
        }
        self.set(c"thresholding_method", c"0"); // Otsu's
        self.read(SPARSE_TEXT)
    }

    /// Reads one line of text in a part of the picture last shown to [`Tesseract::find`], by the contrast around it.
    pub fn read_line(&mut self, area: Area) -> Option<OcrReading> {
        self.set(c"thresholding_method", c"2"); // Sauvola's
        let Area { left, top, right, bottom } = area;
        // SAFETY: the instance is live and holds a picture; the library cuts the rectangle to it.
        unsafe { (self.functions.set_rectangle)(self.handle, left, top, right - left, bottom - top) };
        self.read(SINGLE_LINE).into_iter().next()
    }

    /// Forgets the picture.
    pub fn clear(&mut self) {
        // SAFETY: the instance is live.
        unsafe { (self.functions.clear)(self.handle) };
    }

    fn show(&mut self, luma: &[u8], width: usize, height: usize) -> bool {
        let (Ok(columns), Ok(rows)) = (c_int::try_from(width), c_int::try_from(height)) else { return false };
        if width.checked_mul(height) != Some(luma.len()) || luma.is_empty() {
            return false;
        }
        // SAFETY: the instance is live; the picture has `rows` lines of `columns` bytes, which the library copies.
        unsafe {
            (self.functions.set_image)(self.handle, luma.as_ptr(), columns, rows, 1, columns);
            (self.functions.set_resolution)(self.handle, DOTS_PER_INCH);
        }
        true
    }

    fn set(&mut self, name: &CStr, value: &CStr) {
        // SAFETY: the instance is live and both are terminated strings. An unknown name is refused, which older
        // versions do with the way of thresholding; they then use their own.
        unsafe { (self.functions.set_variable)(self.handle, name.as_ptr(), value.as_ptr()) };
    }

    fn read(&mut self, mode: c_int) -> Vec<OcrReading> {
        let mut readings = Vec::new();
        let f = &self.functions;
        // SAFETY: the instance is live and holds a picture; the iterator is deleted before the next recognition, and
        // texts are copied and freed by the library that made them.
        unsafe {
            (f.set_mode)(self.handle, mode);
            if (f.recognize)(self.handle, std::ptr::null_mut()) != 0 {
                return readings;
            }
            let iterator = (f.iterator)(self.handle);
            if iterator.is_null() {
                return readings;
            }
            loop {
                readings.extend(current(f, iterator));
                if (f.iterator_next)(iterator, LINE) == 0 {
                    break;
                }
            }
            (f.iterator_delete)(iterator);
        }
        readings
    }
}

/// The line an iterator stands at.
///
/// # Safety
/// `iterator` must be live.
unsafe fn current(f: &Functions, iterator: Handle) -> Option<OcrReading> {
    let (mut left, mut top, mut right, mut bottom) = (0, 0, 0, 0);
    // SAFETY: the iterator is live; a page iterator is a view of it, and the four numbers outlive the call.
    let (text, has_box, confidence) = unsafe {
        let page = (f.iterator_page)(iterator);
        let has_box = (f.bounding_box)(page, LINE, &mut left, &mut top, &mut right, &mut bottom);
        ((f.iterator_text)(iterator, LINE), has_box, (f.iterator_confidence)(iterator, LINE))
    };
    if text.is_null() {
        return None;
    }
    // SAFETY: a terminated string of the library's, freed once, after it was copied.
    let owned = unsafe {
        let owned = CStr::from_ptr(text).to_string_lossy().trim().to_owned();
        (f.delete_text)(text);
        owned
    };
    let area = Area { left, top, right, bottom };
    (has_box != 0 && !owned.is_empty()).then_some(OcrReading { text: owned, confidence, area })
}

impl Drop for Tesseract {
    fn drop(&mut self) {
        // SAFETY: made by `TessBaseAPICreate` and deleted once; the library is still loaded.
        unsafe { (self.functions.delete)(self.handle) };
    }
}

/// # Safety
/// `library` must be Tesseract 5.
unsafe fn functions(library: &Library) -> Option<Functions> {
    // SAFETY: see above; each field's type is the function's own.
    unsafe {
        Some(Functions {
            delete: *library.get(b"TessBaseAPIDelete\0").ok()?,
            set_variable: *library.get(b"TessBaseAPISetVariable\0").ok()?,
            set_mode: *library.get(b"TessBaseAPISetPageSegMode\0").ok()?,
            set_image: *library.get(b"TessBaseAPISetImage\0").ok()?,
            set_resolution: *library.get(b"TessBaseAPISetSourceResolution\0").ok()?,
            set_rectangle: *library.get(b"TessBaseAPISetRectangle\0").ok()?,
            recognize: *library.get(b"TessBaseAPIRecognize\0").ok()?,
            clear: *library.get(b"TessBaseAPIClear\0").ok()?,
            iterator: *library.get(b"TessBaseAPIGetIterator\0").ok()?,
            iterator_delete: *library.get(b"TessResultIteratorDelete\0").ok()?,
            iterator_next: *library.get(b"TessResultIteratorNext\0").ok()?,
            iterator_text: *library.get(b"TessResultIteratorGetUTF8Text\0").ok()?,
            iterator_confidence: *library.get(b"TessResultIteratorConfidence\0").ok()?,
            iterator_page: *library.get(b"TessResultIteratorGetPageIterator\0").ok()?,
            bounding_box: *library.get(b"TessPageIteratorBoundingBox\0").ok()?,
            delete_text: *library.get(b"TessDeleteText\0").ok()?,
        })
    }
}
