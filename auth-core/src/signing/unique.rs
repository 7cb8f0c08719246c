//! Identifiers that nobody makes twice.

use std::{
    hash::{BuildHasher, RandomState},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::Now;

/// 128 bits for a `jti`. A server refuses one that it has seen (RFC 7523 section 3,
/// RFC 9449 section 11.1), so that all must differ; nothing rests on that nobody
/// guesses them. They come from the random keys that the standard library draws
/// for the hash maps of a thread, and which differ from map to map. Process, counter and
/// time keep them apart where a process was forked, and where a platform has no random
/// keys.
pub(crate) fn unique(now: Now) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let half = || RandomState::new().hash_one((process::id(), count, now.monotonic, now.wall));
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&half().to_be_bytes());
    bytes[8..].copy_from_slice(&half().to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::test_now;

    #[test]
    fn none_is_made_twice() {
        let now = test_now();
        let made: HashSet<_> = (0..1000).map(|_| unique(now)).collect();
        assert_eq!(made.len(), 1000);
        assert!(made.iter().all(|one| one.len() == 22));
    }
}
