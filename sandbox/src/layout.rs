//! Where mount points come from: which layer of the new root shows a path, and where a missing one can be made.
//!
//! Works on the host's paths before anything is mounted; makes directories and empty files, and mounts nothing.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;

use crate::report::{Blame, Failure, Step};

/// As many symbolic links on one path as the kernel follows.
const MOST_LINKS: usize = 40;

/// One mount of the new root, seen from the host.
pub(crate) struct Layer {
    /// Absolute path inside, free of symbolic links.
    pub at: PathBuf,
    /// Directories of the host whose union it shows, the upper ones first.
    pub shows: Vec<PathBuf>,
    /// Where mount points that it lacks are made: one of those when it can be written, else a directory to be laid over them.
    pub fresh: PathBuf,
    /// Whether something was made there.
    pub grown: bool,
}

/// The layers so far; a later one hides what is below it.
#[derive(Default)]
pub(crate) struct Layout {
    pub layers: Vec<Layer>,
}

impl Layout {
    /// Follows the symbolic links on a path as the command would, and returns the path without them.
    pub(crate) fn resolve(&self, path: &Path) -> Result<PathBuf, Failure> {
        let mut resolved = PathBuf::from("/");
        let mut rest = names(path);
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            if name == ".." {
                resolved.pop();
                continue;
            }
            let next = resolved.join(&name);
            let Some((file, _)) = self.look_up(&next).filter(|(_, file)| file.is_symlink()) else {
                resolved = next;
                continue;
            };
            links += 1;
            if links > MOST_LINKS {
                return Err(io::Error::from(Errno::ELOOP)).blame_at(Step::MountPoint, path);
            }
            let target = fs::read_link(&file).blame_at(Step::MountPoint, &file)?;
            if target.is_absolute() {
                resolved = PathBuf::from("/");
            }
            for name in names(&target).into_iter().rev() {
                rest.push_front(name);
            }
        }
        Ok(resolved)
    }

    /// Makes sure that something of the right kind, a directory or not, will be at a resolved path to mount over.
    pub(crate) fn ensure(&mut self, at: &Path, directory: bool) -> Result<(), Failure> {
        if self
            .look_up(at)
            .is_some_and(|(_, file)| file.is_dir() == directory)
        {
            return Ok(());
        }
        let Some(index) = self.covering(at) else {
            return Ok(());
        };
        let layer = &mut self.layers[index];
        layer.grown = true;
        let point = layer.fresh.join(below(&layer.at, at));
        let folder = if directory {
            Some(&*point)
        } else {
            point.parent()
        };
        fs::create_dir_all(folder.unwrap_or(&point)).blame_at(Step::MountPoint, at)?;
        if !directory {
            File::create(&point).blame_at(Step::MountPoint, at)?;
        }
        Ok(())
    }

    /// Puts a file of the host, as a hard link, in the place of a file or link that the root has. False where the root has
    /// none or something is mounted over it.
    pub(crate) fn replace(&mut self, path: &Path, with: &Path) -> Result<bool, Failure> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(false);
        };
        let at = self.resolve(folder)?.join(name);
        if self.covering(&at) != Some(0) || self.look_up(&at).is_none() {
            return Ok(false);
        }
        let layer = &mut self.layers[0];
        layer.grown = true;
        let point = layer.fresh.join(below(&layer.at, &at));
        if let Some(folder) = point.parent() {
            fs::create_dir_all(folder).blame_at(Step::MountPoint, &at)?;
        }
        fs::hard_link(with, &point).blame_at(Step::MountPoint, &at)?;
        Ok(true)
    }

    /// The host's file that will be seen at a path, if any.
    fn look_up(&self, at: &Path) -> Option<(PathBuf, Metadata)> {
        let layer = &self.layers[self.covering(at)?];
        let inner = below(&layer.at, at);
        let fresh = layer.grown.then_some(&layer.fresh);
        let mut places = fresh
            .into_iter()
            .chain(&layer.shows)
            .map(|folder| folder.join(inner));
        places.find_map(|file| fs::symlink_metadata(&file).ok().map(|data| (file, data)))
    }

    /// The last layer that lies over a path.
    pub(crate) fn covering(&self, at: &Path) -> Option<usize> {
        self.layers
            .iter()
            .rposition(|layer| at.starts_with(&layer.at))
    }
}

fn below<'a>(layer: &Path, at: &'a Path) -> &'a Path {
    at.strip_prefix(layer).unwrap_or(at)
}

fn names(path: &Path) -> VecDeque<OsString> {
    let name = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    };
    path.components().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A root with `usr/lib`, `lib -> usr/lib`, `abs -> /usr`, `up -> ../../usr`, `loop -> loop`, and a file.
    fn root() -> (tempfile::TempDir, Layout) {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("root");
        fs::create_dir_all(root.join("usr/lib")).unwrap();
        fs::write(root.join("file"), "").unwrap();
        for (link, target) in [
            ("lib", "usr/lib"),
            ("abs", "/usr"),
            ("up", "../../usr"),
            ("loop", "loop"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        let fresh = base.path().join("fresh");
        fs::create_dir(&fresh).unwrap();
        let layer = Layer {
            at: "/".into(),
            shows: vec![root],
            fresh,
            grown: false,
        };
        (
            base,
            Layout {
                layers: vec![layer],
            },
        )
    }

    #[test]
    fn links_are_followed_inside_the_root() {
        let (_base, layout) = root();
        let resolve = |path| layout.resolve(Path::new(path)).unwrap();
        assert_eq!(resolve("/lib/x/y"), Path::new("/usr/lib/x/y"));
        assert_eq!(resolve("/abs/lib"), Path::new("/usr/lib"));
        assert_eq!(resolve("/up/new"), Path::new("/usr/new"));
        assert_eq!(resolve("/none/at/all"), Path::new("/none/at/all"));
        let failure = layout.resolve(Path::new("/loop/x")).unwrap_err();
        assert_eq!(failure.errno, Errno::ELOOP as i32);
    }

    #[test]
    fn only_missing_points_are_made() {
        let (base, mut layout) = root();
        layout.ensure(Path::new("/usr/lib"), true).unwrap();
        layout.ensure(Path::new("/file"), false).unwrap();
        assert!(!layout.layers[0].grown);
        layout.ensure(Path::new("/a/b"), true).unwrap();
        layout.ensure(Path::new("/file"), true).unwrap();
        layout.ensure(Path::new("/usr/lib/x"), false).unwrap();
        assert!(layout.layers[0].grown);
        let fresh = base.path().join("fresh");
        assert!(
            fresh.join("a/b").is_dir()
                && fresh.join("file").is_dir()
                && fresh.join("usr/lib/x").is_file()
        );
    }

    #[test]
    fn a_mount_hides_what_is_below_it() {
        let (base, mut layout) = root();
        let (shown, fresh) = (base.path().join("shown"), base.path().join("fresh2"));
        fs::create_dir_all(shown.join("inner")).unwrap();
        fs::create_dir(&fresh).unwrap();
        layout.layers.push(Layer {
            at: "/usr".into(),
            shows: vec![shown],
            fresh: fresh.clone(),
            grown: false,
        });
        assert_eq!(
            layout.resolve(Path::new("/lib/x")).unwrap(),
            Path::new("/usr/lib/x")
        );
        layout.ensure(Path::new("/usr/inner"), true).unwrap();
        assert!(!layout.layers[1].grown);
        layout.ensure(Path::new("/usr/lib"), true).unwrap();
        assert!(fresh.join("lib").is_dir() && !layout.layers[0].grown);
    }

    #[test]
    fn a_file_of_the_root_gives_way_to_another() {
        let (base, mut layout) = root();
        let with = base.path().join("with");
        fs::write(&with, "new").unwrap();
        let inside = base.path().join("root/usr/lib");
        symlink("none", inside.join("link")).unwrap();
        fs::write(inside.join("hidden"), "").unwrap();
        layout.layers.push(Layer {
            at: "/usr/lib/mount".into(),
            shows: vec![inside.clone()],
            fresh: inside,
            grown: false,
        });
        let mut replace = |path| layout.replace(Path::new(path), &with).unwrap();
        assert!(replace("/file") && replace("/abs/lib/link"));
        for left in ["/none", "/lib/none", "/usr/lib/mount/hidden", "/"] {
            assert!(!replace(left), "{left}");
        }
        let fresh = |path| fs::read_to_string(base.path().join("fresh").join(path));
        assert_eq!(
            fresh("file").unwrap() + &fresh("usr/lib/link").unwrap(),
            "newnew"
        );
        assert!(layout.layers[0].grown && fresh("none").is_err());
    }
}
