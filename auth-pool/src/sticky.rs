//! Which account each key keeps.

use std::collections::HashMap;

use crate::index::Index;

/// The accounts of the most recently used keys: at least `capacity` of them,
/// at most twice as many.
///
/// There are two generations. When the younger one is full, it replaces the
/// older one, which is forgotten. A key that is used moves to the younger one.
pub(crate) struct StickyKeys {
    capacity: usize,
    young: HashMap<Box<str>, Index>,
    old: HashMap<Box<str>, Index>,
}

impl StickyKeys {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, young: HashMap::new(), old: HashMap::new() }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Index> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    pub(crate) fn set(&mut self, key: &str, index: Index) {
        if let Some(known) = self.young.get_mut(key) {
            *known = index;
            return;
        }
        if self.young.len() >= self.capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(key);
        self.young.insert(key.into(), index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_keys_are_remembered_and_no_more() {
        let mut keys = StickyKeys::new(10);
        for number in 0..1_000 {
            keys.set(&number.to_string(), number);
            keys.set("always", 7);
            assert!(keys.young.len() + keys.old.len() <= 20);
        }
        assert_eq!(keys.get("always"), Some(7));
        for number in 992..1_000 {
            assert_eq!(keys.get(&number.to_string()), Some(number));
        }
        assert_eq!(keys.get("0"), None);
        keys.set("999", 3);
        assert_eq!(keys.get("999"), Some(3));
    }
}
