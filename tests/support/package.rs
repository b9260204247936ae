//! The one package that tests need, downloaded once and kept beside the build, and a store that has it unpacked.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// What to copy.
pub struct Package {
    /// A Debian mirror with the package in its pool.
    pub mirror: PathBuf,
    /// A store with `busybox/root`.
    pub store: PathBuf,
}

/// The package, once for all tests of all test programs; a lock keeps them from making it twice.
pub fn prepared() -> &'static Package {
    static PACKAGE: OnceLock<Package> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("package");
        fs::create_dir_all(&folder).unwrap();
        let lock = File::create(folder.join("lock")).unwrap();
        lock.lock().unwrap();
        let binary = fs::metadata(env!("CARGO_BIN_EXE_pwb")).unwrap();
        let recipe = fs::read("tests/recipes/busybox.ron").unwrap();
        let mirror = folder.join("mirror");
        let store = folder.join("store");
        // A store that another pwb or another recipe has made is not what is to be tested.
        let made_by = format!(
            "{}.{} {}",
            binary.mtime(),
            binary.mtime_nsec(),
            String::from_utf8_lossy(&recipe)
        );
        if !mirror.exists() {
            download(&folder, &mirror);
        }
        if fs::read_to_string(folder.join("made-by")).ok().as_ref() != Some(&made_by) {
            remove(&store);
            let mirror = format!("file://{}", mirror.display());
            realize(
                Path::new("tests/recipes"),
                &store,
                "busybox/root",
                Some(&mirror),
            );
            fs::write(folder.join("made-by"), made_by).unwrap();
        }
        Package { mirror, store }
    })
}

/// Has pwb itself download the package, from the host's own mirror.
fn download(folder: &Path, mirror: &Path) {
    let text = fs::read_to_string("tests/recipes/busybox.lock").unwrap();
    let field = |name: &str| {
        text.split_once(&format!("{name}: \""))
            .unwrap()
            .1
            .split_once('"')
            .unwrap()
            .0
    };
    let (path, sha256) = (field("path"), field("sha256"));
    let recipes = tempfile::tempdir_in(folder).unwrap();
    let recipe =
        format!(r#"Recipe(nodes: {{"deb": Fetch(from: [Debian("{path}")], sha256: "{sha256}")}})"#);
    fs::write(recipes.path().join("package.ron"), recipe).unwrap();
    let store = recipes.path().join("store");
    let found = realize(recipes.path(), &store, "package/deb", None);
    let half = recipes.path().join("mirror");
    let place = half.join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::copy(found.join(place.file_name().unwrap()), &place).unwrap();
    fs::rename(half, mirror).unwrap();
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
        "the tests need Debian's busybox-static once; give a mirror that has it as PWB_DEBIAN_MIRROR:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}

fn remove(folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
}
