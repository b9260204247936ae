//! Room for one more open file: where this process has as many as it may, some are closed soon.

use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::libc::{EMFILE, ENFILE};

const MOMENT: Duration = Duration::from_millis(10);
/// Longer than a file is kept open that another one waits for. Whoever gets no room in this time will get none.
const LONGEST: Duration = Duration::from_secs(60);

/// Tries until there is room. Every attempt begins anew, and holds nothing after it has failed.
pub(crate) fn find<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let begin = Instant::now();
    loop {
        match attempt() {
            Err(error) if is_wanting(&error) && begin.elapsed() < LONGEST => sleep(MOMENT),
            other => return other,
        }
    }
}

fn is_wanting(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_want_of_room_is_waited_for() {
        let mut errors = [EMFILE, ENFILE].into_iter();
        let waited = find(|| {
            errors
                .next()
                .map_or(Ok("room"), |error| Err(io::Error::from_raw_os_error(error)))
        });
        assert_eq!(waited.ok(), Some("room"));
        let mut attempts = 0;
        let failed: io::Result<()> = find(|| {
            attempts += 1;
            Err(io::ErrorKind::NotFound.into())
        });
        assert_eq!(
            failed.map_err(|error| error.kind()),
            Err(io::ErrorKind::NotFound)
        );
        assert_eq!(attempts, 1);
    }
}
