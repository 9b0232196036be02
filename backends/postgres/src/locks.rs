//! Locks on what several assets share: the versions of a key, and the assets with the same content. If each of two
//! calls could overlook what the other is about to commit, the second one waits.

use std::collections::BTreeSet;

use reelgate_store::session::Lock;

/// The first eight bytes of a SHA-256 in hexadecimal; any other text gives 0, which only makes the
/// call wait more often.
pub(crate) fn hash(sha256_hex: &str) -> i64 {
    let read = |digits: &str| u64::from_str_radix(digits, 16).ok();
    sha256_hex.get(..16).and_then(read).map_or(0, u64::cast_signed)
}

/// The lock of all accounts. A content whose hash is the same number only waits more often.
const ACCOUNTS: i64 = i64::from_be_bytes(*b"accounts");

/// Locks to take, in the order that all callers use.
#[derive(Debug, Default)]
pub(crate) struct Locks(BTreeSet<i64>);

impl Locks {
    /// The numbers of these locks; an odd one is a key, so that keys and contents do not collide.
    pub(crate) fn of(locks: &[Lock]) -> Self {
        let number = |lock: &Lock| match lock {
            Lock::Accounts => ACCOUNTS,
            Lock::Key(sha256) => hash(sha256) | 1,
            Lock::Content(sha256) => hash(sha256) & !1,
        };
        Self(locks.iter().map(number).collect())
    }

    pub(crate) fn sorted(&self) -> Vec<i64> {
        self.0.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_a_content_with_the_same_hash_do_not_wait_for_each_other() {
        let same = "0000000000000006".to_owned();
        let locks = |lock| Locks::of(&[lock]).sorted();
        assert_ne!(locks(Lock::Key(same.clone())), locks(Lock::Content(same)));
    }

    #[test]
    fn a_hash_is_the_first_eight_bytes() {
        assert_eq!(hash("00000000000000ff1234"), 255);
        assert_eq!(hash("ffffffffffffffff"), -1);
        assert_eq!((hash("short"), hash("zzzzzzzzzzzzzzzz")), (0, 0));
    }
}
