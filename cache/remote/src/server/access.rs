//! Who may write: whoever knows the token, or has a certificate that the clients' authority signed. Everybody may read.

use std::path::Path;

use tonic::{Request, Status};

use super::error::{Error, Result};

/// How clients show that they may write.
#[derive(Debug, Default)]
pub struct Access {
    /// The token's hash: hashes are compared in constant time.
    token: Option<blake3::Hash>,
    certificates: bool,
}

impl Access {
    /// Nobody writes.
    pub fn read_only() -> Access {
        Access::default()
    }

    /// Whoever sends this token may write.
    pub fn with_token(mut self, token: &str) -> Access {
        self.token = Some(blake3::hash(token.as_bytes()));
        self
    }

    /// Whoever sends the token in this file may write.
    pub fn with_token_file(self, path: &Path) -> Result<Access> {
        let text = std::fs::read_to_string(path).map_err(Error::reading(path))?;
        match text.trim() {
            "" => Err(Error::NoToken(path.to_owned())),
            token => Ok(self.with_token(token)),
        }
    }

    /// Whoever has a client certificate may write; that it is a good one was seen to when the connection was made.
    pub fn with_certificates(mut self) -> Access {
        self.certificates = true;
        self
    }

    /// Whether the sender of this request may write.
    pub fn may_write<T>(&self, request: &Request<T>) -> bool {
        let bearer = request
            .metadata()
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| blake3::hash(token.trim().as_bytes()));
        self.token.is_some() && bearer == self.token
            || self.certificates && request.peer_certs().is_some_and(|certs| !certs.is_empty())
    }

    /// Refuses a request whose sender may not write.
    pub fn check<T>(&self, request: &Request<T>) -> Result<(), Status> {
        if self.may_write(request) {
            return Ok(());
        }
        if self.token.is_none() && !self.certificates {
            return Err(Status::permission_denied("this cache is read-only"));
        }
        let wanted = "writing needs a bearer token or a client certificate";
        match request.metadata().contains_key("authorization") {
            true => Err(Status::unauthenticated(format!(
                "the credentials are not the right ones: {wanted}"
            ))),
            false => Err(Status::permission_denied(wanted)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(authorization: &str) -> Request<()> {
        let mut request = Request::new(());
        let value = authorization.parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        request
    }

    #[test]
    fn only_the_right_token_opens() {
        let access = Access::read_only().with_token("secret");
        assert!(access.may_write(&request("Bearer secret")));
        assert!(access.may_write(&request("bearer secret")));
        for wrong in ["Bearer Secret", "Bearer ", "Basic secret", "secret"] {
            assert!(!access.may_write(&request(wrong)), "{wrong}");
        }
        assert!(!access.may_write(&Request::new(())));
        assert!(!Access::read_only().may_write(&request("Bearer secret")));
    }
}
