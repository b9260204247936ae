//! The shared cache that the settings, the environment and the flags name, in rising order of weight.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pwb_remote::{Client, Error, Headers, Notice, PublicKey, SecretKey, Settings, Tls, Url};
use serde::{Deserialize, Serialize};

use crate::cli::{Sharing, Upload};
use crate::report::Failure;

/// What the settings may say of it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Remote {
    /// `grpc://HOST:PORT[/INSTANCE]` or `grpcs://…`.
    pub url: Option<String>,
    /// Whether to put results there.
    pub upload: Upload,
    /// Sent with every request.
    pub headers: BTreeMap<String, String>,
    /// A file whose first line is a bearer token.
    pub token_file: Option<PathBuf>,
    /// Certificates that may vouch for the server (PEM) [default: the system's].
    pub ca_file: Option<PathBuf>,
    /// This machine's certificate and its key (PEM).
    pub certificate_file: Option<PathBuf>,
    /// See there.
    pub key_file: Option<PathBuf>,
    /// Public keys; with any, only results count that one of them has signed.
    pub trusted_keys: Vec<String>,
    /// The secret key that results are signed with.
    pub signing_key_file: Option<PathBuf>,
    /// Whether its workers run commands.
    pub execute: bool,
    /// What workers must be, in the server's words, as `{"OSFamily": "linux"}`.
    pub platform: BTreeMap<String, String>,
    /// How long a command may wait for a worker before it runs here.
    pub queue_seconds: Seconds,
}

/// A time.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Seconds(u32);

impl Default for Seconds {
    fn default() -> Seconds {
        Seconds(60)
    }
}

impl Remote {
    /// Whether the server's workers run commands.
    pub fn executes(&self, flags: &Sharing) -> bool {
        flags.remote_execute || self.execute
    }

    /// Where it is.
    pub fn url<'a>(&'a self, flags: &'a Sharing) -> Option<&'a String> {
        flags.remote.as_ref().or(self.url.as_ref())
    }

    /// Whether to put results there.
    pub fn upload(&self, flags: &Sharing) -> Upload {
        flags.remote_upload.unwrap_or(self.upload)
    }

    /// The keys whose results count.
    pub fn trusted(&self) -> Result<Vec<PublicKey>, Failure> {
        let keys = self.trusted_keys.iter().map(|text| text.parse());
        Ok(keys.collect::<Result<_, _>>()?)
    }

    /// The key that results are signed with.
    pub fn signing_key(&self) -> Result<Option<SecretKey>, Failure> {
        self.signing_key_file.as_deref().map(secret_key).transpose()
    }

    /// The client, if a shared cache is to be used.
    pub fn client(
        &self,
        flags: &Sharing,
        tell: impl Fn(Notice) + Send + Sync + 'static,
    ) -> Result<Option<Client>, Failure> {
        let Some(url) = self.url(flags) else {
            return Ok(None);
        };
        // `--remote=` stands for none, whatever the settings say.
        if url.is_empty() {
            return Ok(None);
        }
        let mut headers = Headers::default();
        for (name, value) in &self.headers {
            headers.add(name, value)?;
        }
        let token = match (env::var("PWB_REMOTE_TOKEN"), &self.token_file) {
            (Ok(token), _) if !token.is_empty() => Some(token),
            (_, Some(path)) => Some(first_line(path)?),
            _ => None,
        };
        if let Some(token) = token {
            headers.bearer(token.trim())?;
        }
        let identity = match (&self.certificate_file, &self.key_file) {
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (None, None) => None,
            _ => {
                return Err(Failure::new(
                    "of certificate_file and key_file one is set and the other is not",
                    "a certificate is of use with its key only: set both",
                ));
            }
        };
        let settings = Settings {
            url: Url::parse(url)?,
            headers,
            tls: Tls {
                ca: self.ca_file.clone(),
                identity,
            },
            upload: self.upload(flags) == Upload::Success,
            trusted: self.trusted()?,
            platform: self.platform.clone(),
            queue: Duration::from_secs(self.queue_seconds.0.into()),
            signing: self.signing_key()?,
        };
        Ok(Some(Client::new(settings, tell)?))
    }
}

/// The key that a file has.
pub fn secret_key(path: &Path) -> Result<SecretKey, Failure> {
    Ok(first_line(path)?.parse()?)
}

fn first_line(path: &Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
