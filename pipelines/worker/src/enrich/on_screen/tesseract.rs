//! Tesseract through its C API. The library is loaded by name, and only if a job reads text: it depends on about fifty other
//! libraries, which no other worker should map. Everything is loaded before the jail closes. Afterwards it only computes.

use std::ffi::{CStr, CString, c_char, c_float, c_int, c_void};

use libloading::Library;

/// The library's name on Debian and most distributions. The number is the version of its binary interface.
const LIBRARY: &str = "libtesseract.so.5";
/// The environment variable in which the engine gives the languages to load, joined by `+`.
pub const LANGUAGES_VARIABLE: &str = reelgate_pipelines::client::LANGUAGES_VARIABLE;
/// Only neural networks (`OEM_LSTM_ONLY`): Debian's packages do not contain the data of the older engine.
const LSTM_ONLY: c_int = 1;
/// Page segmentation mode: text at any position, in no order (`PSM_SPARSE_TEXT`).
const SPARSE_TEXT: c_int = 11;
/// Page segmentation mode: one line (`PSM_SINGLE_LINE`).
const SINGLE_LINE: c_int = 7;
/// A line of text (`RIL_TEXTLINE`).
const LINE: c_int = 2;
/// The resolution for pictures without one. The networks were trained at it.
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
    loaded_languages: unsafe extern "C" fn(Handle) -> *mut *mut c_char,
    delete_texts: unsafe extern "C" fn(*mut *mut c_char),
}

/// A loaded engine with its languages.
pub struct Tesseract {
    functions: Functions,
    handle: Handle,
    /// The last field, so that the library is unloaded after everything that points into it.
    _library: Library,
}

// SAFETY: an instance of the engine does not depend on the thread that created it, and `&mut` allows one user at a time.
unsafe impl Send for Tesseract {}

/// A rectangle of the given picture, pixels.
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

/// One line of text that was read.
#[derive(Clone, PartialEq, Debug)]
pub struct OcrReading {
    pub text: String,
    /// 0 to 100.
    pub confidence: f32,
    /// The box around its letters.
    pub area: Area,
}

impl Tesseract {
    /// Loads the library and the languages that the environment names. It is `None` if none is named or something is not
    /// installed. Call it before the jail closes.
    pub fn from_environment() -> Option<Self> {
        let languages = std::env::var(LANGUAGES_VARIABLE).ok()?;
        Self::load(&languages)
    }

    /// Loads the library and the languages, which are joined by `+`. It is `None` if any of them is not installed.
    pub fn load(wanted: &str) -> Option<Self> {
        let languages = CString::new(wanted).ok()?;
        // SAFETY: the library's initialisers are those of Debian's package; they start nothing and run none of our code.
        let library = unsafe { Library::new(LIBRARY) }.ok()?;
        // SAFETY: names and types are those of `capi.h` of the version in the library's name; the struct owns
        // `library`, so the pointers are not used after it is unloaded.
        let (functions, create, init) = unsafe {
            let functions = functions(&library)?;
            let create: unsafe extern "C" fn() -> Handle = *library.get(b"TessBaseAPICreate\0").ok()?;
            let init: unsafe extern "C" fn(Handle, *const c_char, *const c_char, c_int) -> c_int =
                *library.get(b"TessBaseAPIInit2\0").ok()?;
            (functions, create, init)
        };
        // SAFETY: it takes no argument and returns an instance that `Drop` deletes.
        let handle = unsafe { create() };
        let mut loaded = Self { functions, handle, _library: library };
        // SAFETY: the instance is live and the language is a terminated string. Without a path the library uses its default.
        let failed = unsafe { init(loaded.handle, std::ptr::null(), languages.as_ptr(), LSTM_ONLY) };
        if failed != 0 {
            return None;
        }
        // Without the data of one of several languages, the library reads the others and returns no error.
        let known = loaded.languages();
        if !wanted.split('+').all(|language| known.iter().any(|known| known == language)) {
            return None;
        }
        // Its debug output could quote the picture.
        loaded.set(c"debug_file", c"/dev/null");
        // Without a picture it only complains, so that the file is opened while the jail is open: from 5.4 on the library writes to
        // the file that it could not open, and crashes.
        // SAFETY: the instance is live.
        unsafe { (loaded.functions.recognize)(loaded.handle, std::ptr::null_mut()) };
        Some(loaded)
    }

    /// Finds lines of text at any position in a grey picture without padding; `None` if it is not recognised.
    pub fn find(&mut self, luma: &[u8], width: usize, height: usize) -> Option<Vec<OcrReading>> {
        if !self.set_picture(luma, width, height) {
            return None;
        }
        self.set(c"thresholding_method", c"0"); // Otsu's
        self.read(SPARSE_TEXT)
    }

    /// Reads one line of text in a part of the last picture given to [`Tesseract::find`], using the contrast around it.
    pub fn read_line(&mut self, area: Area) -> Option<OcrReading> {
        self.set(c"thresholding_method", c"2"); // Sauvola's
        let Area { left, top, right, bottom } = area;
        // SAFETY: the instance is live and has a picture. The library clips the rectangle to the picture.
        unsafe { (self.functions.set_rectangle)(self.handle, left, top, right - left, bottom - top) };
        self.read(SINGLE_LINE)?.into_iter().next()
    }

    /// Drops the picture.
    pub fn clear(&mut self) {
        // SAFETY: the instance is live.
        unsafe { (self.functions.clear)(self.handle) };
    }

    fn set_picture(&mut self, luma: &[u8], width: usize, height: usize) -> bool {
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

    /// The languages whose data is loaded.
    fn languages(&self) -> Vec<String> {
        let mut languages = Vec::new();
        // SAFETY: the instance is live. The library returns terminated strings and a null pointer after the last one. They
        // are freed once, after they were copied, by the library that allocated them.
        unsafe {
            let list = (self.functions.loaded_languages)(self.handle);
            if list.is_null() {
                return languages;
            }
            let mut at = list;
            while !(*at).is_null() {
                languages.push(CStr::from_ptr(*at).to_string_lossy().into_owned());
                at = at.add(1);
            }
            (self.functions.delete_texts)(list);
        }
        languages
    }

    fn set(&mut self, name: &CStr, value: &CStr) {
        // SAFETY: the instance is live and both are terminated strings. An unknown name is refused. Older
        // versions refuse the thresholding method and then use their default.
        unsafe { (self.functions.set_variable)(self.handle, name.as_ptr(), value.as_ptr()) };
    }

    fn read(&mut self, mode: c_int) -> Option<Vec<OcrReading>> {
        let mut readings = Vec::new();
        let f = &self.functions;
        // SAFETY: the instance is live and has a picture. The iterator is deleted before the next recognition. Texts are
        // copied, and the library that allocated them frees them.
        unsafe {
            (f.set_mode)(self.handle, mode);
            if (f.recognize)(self.handle, std::ptr::null_mut()) != 0 {
                return None;
            }
            let iterator = (f.iterator)(self.handle);
            // A picture without text has no iterator.
            if iterator.is_null() {
                return Some(readings);
            }
            loop {
                readings.extend(current(f, iterator));
                if (f.iterator_next)(iterator, LINE) == 0 {
                    break;
                }
            }
            (f.iterator_delete)(iterator);
        }
        Some(readings)
    }
}

/// The line at an iterator's position.
///
/// # Safety
/// `iterator` must be live.
unsafe fn current(f: &Functions, iterator: Handle) -> Option<OcrReading> {
    let (mut left, mut top, mut right, mut bottom) = (0, 0, 0, 0);
    // SAFETY: the iterator is live, the page iterator is a view of it, and the four numbers outlive the call.
    let (text, has_box, confidence) = unsafe {
        let page = (f.iterator_page)(iterator);
        let has_box = (f.bounding_box)(page, LINE, &mut left, &mut top, &mut right, &mut bottom);
        ((f.iterator_text)(iterator, LINE), has_box, (f.iterator_confidence)(iterator, LINE))
    };
    if text.is_null() {
        return None;
    }
    // SAFETY: the library returns a terminated string. It is freed once, after it was copied.
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
        // SAFETY: `TessBaseAPICreate` created the instance. It is deleted once, and the library is still loaded.
        unsafe { (self.functions.delete)(self.handle) };
    }
}

/// # Safety
/// `library` must be Tesseract 5.
unsafe fn functions(library: &Library) -> Option<Functions> {
    // SAFETY: the caller guarantees the library's version, and each field has the type of its function.
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
            loaded_languages: *library.get(b"TessBaseAPIGetLoadedLanguagesAsVector\0").ok()?,
            delete_texts: *library.get(b"TessDeleteTextArray\0").ok()?,
        })
    }
}
