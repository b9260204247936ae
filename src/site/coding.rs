//! Content codings: which one a client wants. Pure.

/// How the bytes of a file are sent.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Coding {
    /// As they are.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    /// Its name in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Identity => "identity",
            Coding::Gzip => "gzip",
            Coding::Zstd => "zstd",
        }
    }

    /// The one to use for an `Accept-Encoding` (RFC 9110, section 12.5.3): what the client likes best, and of equals the smallest.
    pub fn wanted(accepted: &str) -> Coding {
        let mut best = (Coding::Identity, 0.0);
        for coding in [Coding::Zstd, Coding::Gzip] {
            let quality = quality(accepted, coding.name()).unwrap_or(0.0);
            if quality > best.1 {
                best = (coding, quality);
            }
        }
        match quality(accepted, Coding::Identity.name()) {
            Some(plain) if plain > best.1 => Coding::Identity,
            _ => best.0,
        }
    }
}

/// How much the client likes a coding, from 0 to 1; `None` where it does not say.
fn quality(accepted: &str, name: &str) -> Option<f32> {
    let mut others = None;
    for part in accepted.split(',') {
        let mut words = part.split(';').map(str::trim);
        let coding = words.next().unwrap_or_default();
        let weight = words.find_map(|word| word.strip_prefix("q=").or(word.strip_prefix("Q=")));
        let weight = weight.map_or(Some(1.0), |weight| weight.parse().ok());
        if coding.eq_ignore_ascii_case(name) {
            return weight;
        }
        // It stands for what is not named; as it is, a file goes to those who ask for nothing else.
        if coding == "*" && name != Coding::Identity.name() {
            others = weight;
        }
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_what_they_like_best() {
        for (accepted, coding) in [
            ("", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("GZIP", Coding::Gzip),
            ("gzip;q=1.0, zstd;q=0.5", Coding::Gzip),
            ("gzip;q=0.5, zstd; q=0.5", Coding::Zstd),
            ("zstd;q=0, *", Coding::Gzip),
            ("*", Coding::Zstd),
            ("*;q=0", Coding::Identity),
            ("gzip;q=0", Coding::Identity),
            ("identity", Coding::Identity),
            ("identity, gzip;q=0.9", Coding::Identity),
            ("identity;q=0.1, gzip;q=0.9", Coding::Gzip),
            ("br, x-gzip", Coding::Identity),
            ("gzip;q=nonsense", Coding::Identity),
        ] {
            assert_eq!(Coding::wanted(accepted), coding, "{accepted:?}");
        }
    }
}
