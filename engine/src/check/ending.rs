//! How a test's command has ended, as it is kept beside its report.

use pwb_sandbox::Status;

/// The file's name in the result.
pub(crate) const FILE: &str = "status";

/// As text: `exit 2`.
pub(crate) fn write(status: Status) -> String {
    match status {
        Status::Code(code) => format!("exit {code}\n"),
        Status::Signal(signal) => format!("signal {signal}\n"),
        Status::TimedOut => "timeout\n".to_owned(),
    }
}

/// Reads what [`write`] has written.
pub(super) fn read(text: &str) -> Option<Status> {
    match text.trim().split_once(' ') {
        Some(("exit", code)) => Some(Status::Code(code.parse().ok()?)),
        Some(("signal", signal)) => Some(Status::Signal(signal.parse().ok()?)),
        None if text.trim() == "timeout" => Some(Status::TimedOut),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for status in [
            Status::Code(0),
            Status::Code(137),
            Status::Signal(11),
            Status::TimedOut,
        ] {
            assert_eq!(read(&write(status)), Some(status));
        }
        assert_eq!(read("exit"), None);
        assert_eq!(read(""), None);
    }
}
