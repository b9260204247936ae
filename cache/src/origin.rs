//! Who vouches for what was made elsewhere.

/// A key that has signed it and is trusted, or nobody. What was made here has no origin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Origin(pub Option<[u8; 32]>);

impl Origin {
    /// The form the index keeps: the key, or nothing.
    pub(crate) fn to_row(self) -> Vec<u8> {
        self.0.map(Vec::from).unwrap_or_default()
    }

    pub(crate) fn from_row(row: &[u8]) -> Origin {
        Origin(row.try_into().ok())
    }
}
