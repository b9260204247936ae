//! How many bytes may be in flight between threads. Knows nothing of what they are.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A number of bytes to share.
pub(super) struct Budget {
    most: u64,
    free: Mutex<u64>,
    freed: Condvar,
}

/// A share, given back when it is dropped.
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Budget {
    pub(super) fn new(most: u64) -> Arc<Budget> {
        Arc::new(Budget {
            most,
            free: Mutex::new(most),
            freed: Condvar::new(),
        })
    }

    /// Waits until so many bytes are free; for more than there are at all, until all are free.
    pub(super) fn take(self: &Arc<Budget>, bytes: u64) -> Share {
        let bytes = bytes.min(self.most);
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self
            .freed
            .wait_while(free, |free| *free < bytes)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= bytes;
        Share {
            budget: Arc::clone(self),
            bytes,
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        *self
            .budget
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.budget.freed.notify_all();
    }
}
