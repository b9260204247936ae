//! A container image ([OCI image layout](https://specs.opencontainers.org/image-spec/), in a tar archive): the root that a target
//! runs in, and over it the target's result.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use pwb_cache::{Entry, Sha256};
use serde_json::{Value, json};
use sha2::Digest as _;

use super::compressed::Compressed;
use super::contents::Contents;
use super::tar::Tar;

/// Fast: a root is gigabytes.
const LEVEL: i32 = 3;

/// What an image is made of.
#[derive(Debug)]
pub struct Image {
    /// What container engines call it.
    pub name: String,
    pub root: Contents,
    pub artifact: Contents,
    /// Where the artifact is in the root, without `/` at the beginning.
    pub mount: String,
    pub entrypoint: Vec<String>,
    /// `NAME=VALUE`
    pub environment: Vec<String>,
}

/// A layer on its way, and its digest before it was compressed.
struct Layer {
    file: PathBuf,
    packed: Sha256,
    plain: Sha256,
}

impl Image {
    /// Writes the image; its layers, whose digests come before them, are made in a scratch folder.
    pub fn write(&self, scratch: &Path, out: impl Write) -> io::Result<()> {
        let root = layer(&scratch.join("root"), |tar| tar.contents("", &self.root))?;
        let artifact = layer(&scratch.join("artifact"), |tar| self.artifact(tar))?;
        let layers = [&root, &artifact];

        let config = document(&self.config(&layers));
        let manifest = document(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("config.v1+json", Sha256::of(&config)),
            "layers": layers.map(|layer| descriptor("layer.v1.tar+zstd", layer.packed)),
        }));
        let index = document(&self.index(Sha256::of(&manifest)));

        let mut tar = Tar::new(out);
        let mut json = |path: &str, bytes: &[u8]| tar.file(path, 0o644, bytes.len() as u64, bytes);
        json(
            "oci-layout",
            &document(&json!({"imageLayoutVersion": "1.0.0"})),
        )?;
        json("index.json", &index)?;
        for blob in [&manifest, &config] {
            json(&path(Sha256::of(blob)), blob)?;
        }
        for layer in layers {
            tar.file(
                &path(layer.packed),
                0o644,
                layer.packed.size(),
                File::open(&layer.file)?,
            )?;
        }
        tar.finish()?.flush()
    }

    /// The artifact hides what the root has in its place, as a mount does.
    fn artifact<W: Write>(&self, tar: &mut Tar<W>) -> io::Result<()> {
        tar.directory("tmp", 0o1777)?;
        for (end, _) in self.mount.match_indices('/') {
            let above = &self.mount[..end];
            if !self.root.entries.contains_key(above) {
                tar.directory(above, 0o755)?;
            }
        }
        tar.directory(&self.mount, 0o755)?;
        if let Some(Entry::Directory(_)) = self.root.entries.get(&self.mount) {
            tar.file(
                &format!("{}/.wh..wh..opq", self.mount),
                0o644,
                0,
                io::empty(),
            )?;
        }
        tar.contents(&self.mount, &self.artifact)
    }

    fn config(&self, layers: &[&Layer; 2]) -> Value {
        json!({
            "architecture": architecture(),
            "os": "linux",
            "config": {
                "Entrypoint": self.entrypoint,
                "Env": self.environment,
                "WorkingDir": "/",
            },
            "rootfs": {
                "type": "layers",
                "diff_ids": layers.map(|layer| format!("sha256:{}", layer.plain.hex())),
            },
            "history": [{"created_by": "pwb: the root"}, {"created_by": format!("pwb: {}", self.name)}],
        })
    }

    fn index(&self, manifest: Sha256) -> Value {
        let mut entry = descriptor("manifest.v1+json", manifest);
        entry["platform"] = json!({"architecture": architecture(), "os": "linux"});
        entry["annotations"] = json!({
            "org.opencontainers.image.ref.name": format!("{}:latest", self.name),
            "io.containerd.image.name": format!("localhost/{}:latest", self.name),
        });
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [entry],
        })
    }
}

fn layer(
    to: &Path,
    fill: impl FnOnce(&mut Tar<Hashed<Compressed<Hashed<BufWriter<File>>>>>) -> io::Result<()>,
) -> io::Result<Layer> {
    let file = Hashed::new(BufWriter::new(File::create_new(to)?));
    let mut tar = Tar::new(Hashed::new(Compressed::new(file, LEVEL)?));
    fill(&mut tar)?;
    let (compressed, plain) = tar.finish()?.finish();
    let (mut file, packed) = compressed.finish()?.finish();
    file.flush()?;
    Ok(Layer {
        file: to.to_owned(),
        packed,
        plain,
    })
}

/// Passes bytes on and knows their digest.
struct Hashed<W> {
    out: W,
    hash: sha2::Sha256,
    size: u64,
}

impl<W> Hashed<W> {
    fn new(out: W) -> Hashed<W> {
        Hashed {
            out,
            hash: sha2::Sha256::new(),
            size: 0,
        }
    }

    fn finish(self) -> (W, Sha256) {
        (
            self.out,
            Sha256::new(self.hash.finalize().into(), self.size),
        )
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn descriptor(kind: &str, blob: Sha256) -> Value {
    json!({
        "mediaType": format!("application/vnd.oci.image.{kind}"),
        "digest": format!("sha256:{}", blob.hex()),
        "size": blob.size(),
    })
}

fn path(blob: Sha256) -> String {
    format!("blobs/sha256/{}", blob.hex())
}

fn document(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// Go's name for it. A root's programs run on this machine, so it is this machine's.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
