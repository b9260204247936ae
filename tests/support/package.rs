//! The packages that tests need, downloaded once and kept beside the build, and stores that have them unpacked.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// What to copy.
pub struct Package {
    /// A Debian mirror with the packages in its pool.
    pub mirror: PathBuf,
    /// A store with the root.
    pub store: PathBuf,
}

/// A root of `tests/recipes`.
#[derive(Clone, Copy)]
pub enum Root {
    /// `busybox/root`.
    Busybox,
    /// `tcc/root`, which is made of that and a compiler.
    Tcc,
}

impl Root {
    /// The recipes that it is made of, its own last.
    pub fn recipes(self) -> &'static [&'static str] {
        match self {
            Root::Busybox => &["busybox"],
            Root::Tcc => &["busybox", "tcc"],
        }
    }
}

/// The packages of a root, once for all tests of all test programs; a lock keeps them from making it twice.
pub fn prepared(root: Root) -> &'static Package {
    static PACKAGES: [OnceLock<Package>; 2] = [OnceLock::new(), OnceLock::new()];
    PACKAGES[root as usize].get_or_init(|| {
        let name = root.recipes().last().unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let lock = File::create(folder.join("lock")).unwrap();
        lock.lock().unwrap();
        let binary = fs::metadata(env!("CARGO_BIN_EXE_pwb")).unwrap();
        let texts = root
            .recipes()
            .iter()
            .map(|name| recipe(&format!("{name}.ron")));
        let recipe: String = texts.collect();
        let mirror = folder.join("mirror");
        let store = folder.join("store");
        // A store that another pwb or another recipe has made is not what is to be tested.
        let made_by = format!("{}.{} {recipe}", binary.mtime(), binary.mtime_nsec(),);
        if !mirror.exists() {
            download(root, &folder, &mirror);
        }
        if fs::read_to_string(folder.join("made-by")).ok().as_ref() != Some(&made_by) {
            remove(&store);
            let mirror = format!("file://{}", mirror.display());
            realize(
                Path::new("tests/recipes"),
                &store,
                &format!("{name}/root"),
                Some(&mirror),
            );
            fs::write(folder.join("made-by"), made_by).unwrap();
        }
        Package { mirror, store }
    })
}

/// Has pwb itself download the packages, from the host's own mirror.
fn download(root: Root, folder: &Path, mirror: &Path) {
    let recipes = tempfile::tempdir_in(folder).unwrap();
    let store = recipes.path().join("store");
    let half = recipes.path().join("mirror");
    for name in root.recipes() {
        let lock = recipe(&format!("{name}.lock"));
        for package in lock.split("Package(").skip(1) {
            let field = |name: &str| {
                let (_, value) = package.split_once(&format!("{name}: \"")).unwrap();
                value.split_once('"').unwrap().0
            };
            let (path, sha256) = (field("path"), field("sha256"));
            let recipe = format!(
                r#"Recipe(nodes: {{"deb": Fetch(from: [Debian("{path}")], sha256: "{sha256}")}})"#
            );
            fs::write(recipes.path().join("package.ron"), recipe).unwrap();
            let found = realize(recipes.path(), &store, "package/deb", None);
            let place = half.join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(found.join(place.file_name().unwrap()), &place).unwrap();
        }
    }
    fs::rename(half, mirror).unwrap();
}

fn recipe(name: &str) -> String {
    fs::read_to_string(Path::new("tests/recipes").join(name)).unwrap()
}

fn realize(recipes: &Path, store: &Path, name: &str, mirror: Option<&str>) -> PathBuf {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pwb"));
    command
        .args(["realize", name])
        .env("PWB_RECIPES", recipes)
        .env("PWB_STORE", store)
        .stdin(Stdio::null());
    if let Some(mirror) = mirror {
        command.env("PWB_DEBIAN_MIRROR", mirror);
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "the tests need packages of Debian once; give a mirror that has them as PWB_DEBIAN_MIRROR:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}

fn remove(folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
}
