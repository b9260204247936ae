//! When garbage is collected without being asked for, and how what went is told.

use std::time::Duration;

use pwb_cache::{Collected, Part, Policy, Store};
use serde::{Deserialize, Serialize};

use crate::report::{note, warn};
use crate::units::{Age, Size, bytes};

/// What the settings may say of it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gc {
    /// Whether a build that ran something looks, once a day, whether the store has become too large.
    pub auto: bool,
    /// How large it may become.
    pub max_size: Size,
    /// What was used within this time stays all the same.
    pub keep: Age,
    /// What was not used for so long goes, whatever the size [default: nothing].
    pub older_than: Option<Age>,
}

impl Default for Gc {
    fn default() -> Gc {
        Gc {
            auto: true,
            max_size: Size(50 << 30),
            keep: Age(Duration::from_secs(14 * 24 * 3600)),
            older_than: None,
        }
    }
}

impl Gc {
    pub fn policy(&self) -> Policy {
        Policy {
            max_size: Some(self.max_size.0),
            older_than: self.older_than.map(|age| age.0),
            keep: self.keep.0,
        }
    }

    /// Keeps the store small after a build. What goes wrong here is no failure of the build.
    pub fn after_build(&self, store: &Store) {
        if !self.auto {
            return;
        }
        match store.collect_if_due(&self.policy()) {
            Ok(None) => {}
            Ok(Some(collected)) => {
                note(format_args!("gc: {}", sum(&collected)));
                if collected.over {
                    warn(&over(&self.policy(), &collected));
                }
            }
            Err(error) => warn(&format!("garbage was not collected: {error}")),
        }
    }
}

/// `freed 1.50 GiB, the store has 3.20 GiB`
pub fn sum(collected: &Collected) -> String {
    let leftovers = collected.freed.get(&Part::Leftovers);
    let freed = collected.before - collected.after + leftovers.map_or(0, |part| part.bytes);
    format!(
        "freed {}, the store has {}",
        bytes(freed),
        bytes(collected.after)
    )
}

/// Why the store is larger than it should be.
pub fn over(policy: &Policy, collected: &Collected) -> String {
    format!(
        "the store has {}, more than {}: the rest is in use, linked to, or was used lately (docs/store.md)",
        bytes(collected.after),
        bytes(policy.max_size.unwrap_or_default()),
    )
}
