//! Why a node runs or ran: two actions compared, and the comparison followed to where the difference began.
//!
//! An explanation is read from the very messages that keys were hashed from, so it is as true days later as at once.
//! Nothing here prints, and nothing runs.

mod difference;
mod explanation;
mod manifest;
mod paths;
mod reason;

pub use difference::{Change, Difference, Fed, InputChange, Place};
pub use explanation::{Explanation, Standing, explain, explain_run};
pub use manifest::Manifest;
pub use reason::{Finding, Reason};
