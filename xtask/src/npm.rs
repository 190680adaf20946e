//! Packages of npm: each of one version, and nowhere but in the target directory.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Result, cargo, system};

/// The TypeScript compiler.
pub(crate) const TYPESCRIPT: Package = Package {
    name: "typescript",
    manifest: include_str!("../typescript/package.json"),
    lock: include_str!("../typescript/package-lock.json"),
};

/// What holds a page against the rules of accessibility; the browser tests read it from where it is put.
pub(crate) const AXE: Package = Package {
    name: "axe",
    manifest: include_str!("../axe/package.json"),
    lock: include_str!("../axe/package-lock.json"),
};

/// Which package. The lock file names the hash of its content, so that everybody has the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package {
    name: &'static str,
    manifest: &'static str,
    lock: &'static str,
}

impl Package {
    /// The folder with its `node_modules`; gets it when it is not there yet.
    pub(crate) fn ensure(self, root: &Path) -> Result<PathBuf> {
        let folder = cargo::target_directory(root)?.join("tools").join(self.name);
        // What npm writes last.
        let is_whole = folder.join("node_modules/.package-lock.json").is_file();
        let is_ours = fs::read_to_string(folder.join("package-lock.json")).is_ok_and(|lock| lock == self.lock);
        if !(is_whole && is_ours) {
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("package.json"), self.manifest)?;
            fs::write(folder.join("package-lock.json"), self.lock)?;
            system::run(&folder, "npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
        }
        Ok(folder)
    }
}
