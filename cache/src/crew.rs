//! The threads that share work, one a core.

use std::error::Error as _;
use std::io;
use std::sync::OnceLock;

use rayon::ThreadPoolBuilder;

use crate::error::{Error, Result};

/// Starts them, unless they are there. Left to their first work, they would panic on a machine that refuses them. They are
/// asked for once: what was refused then is refused to this process for good.
pub fn start() -> Result<()> {
    static REFUSAL: OnceLock<Option<i32>> = OnceLock::new();
    let refusal = REFUSAL.get_or_init(|| {
        // Without a source, it says that somebody has started them before.
        let error = ThreadPoolBuilder::new().build_global().err()?;
        let refused: &io::Error = error.source()?.downcast_ref()?;
        refused.raw_os_error()
    });
    match refusal {
        None => Ok(()),
        Some(code) => Err(Error::Thread(io::Error::from_raw_os_error(*code))),
    }
}
