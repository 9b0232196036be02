//! The hash by which the content of uploads and outputs is known.

use std::fs::File;
use std::os::unix::fs::FileExt;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Bytes read at once; large enough that the disk streams, small enough to stay in cache.
const READ_BYTES: usize = 1 << 18;

/// SHA-256 of a file from its beginning, lower-case hexadecimal; does not move the file's position.
pub fn hash_file(file: &File) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut offset = 0u64;
    loop {
        let count = file.read_at(&mut buffer, offset)?;
        if count == 0 {
            return Ok(HEXLOWER.encode(&hasher.finalize()));
        }
        hasher.update(&buffer[..count]);
        offset += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_standard() {
        // FIPS 180-4 example: SHA-256 of "abc".
        let mut file = File::from(rustix::fs::memfd_create("abc", rustix::fs::MemfdFlags::CLOEXEC).unwrap());
        std::io::Write::write_all(&mut file, b"abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash_file(&file).unwrap(), expected);
    }
}
