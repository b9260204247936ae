//! Overlay mounts: the options that this project uses, and how paths are written in them.

use std::path::Path;

use nix::mount::{MsFlags, mount};

/// Mounts the union of `lowers` (upper ones first), writable if there is an upper and a work directory.
pub(crate) fn mount_union(
    lowers: &[&Path],
    writable: Option<(&Path, &Path)>,
    target: &Path,
) -> nix::Result<()> {
    let lowers: Vec<_> = lowers.iter().map(|path| escape(path)).collect();
    let mut options = format!(
        "lowerdir={},userxattr,index=off,xino=auto",
        lowers.join(":")
    );
    let mut flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    if let Some((upper, work)) = writable {
        // volatile: else the end of every action writes back all dirty pages of the whole file system.
        options += &format!(
            ",upperdir={},workdir={},volatile",
            escape(upper),
            escape(work)
        );
    } else {
        flags |= MsFlags::MS_RDONLY;
    }
    mount(
        Some("overlay"),
        target,
        Some("overlay"),
        flags,
        Some(&*options),
    )
}

/// overlayfs splits its options at commas, and lower directories at colons.
fn escape(path: &Path) -> String {
    path.to_string_lossy()
        .replace('\\', r"\\")
        .replace(':', r"\:")
        .replace(',', r"\,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_survive_the_options() {
        assert_eq!(escape(Path::new(r"/a:b,c\d")), r"/a\:b\,c\\d");
    }
}
