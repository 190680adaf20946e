//! The TypeScript compiler: of one version, and nowhere but in the target directory.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Result, cargo, system};

/// Which compiler. The lock file names the hash of its content, so that everybody has the same.
const MANIFEST: &str = include_str!("../typescript/package.json");
const LOCK: &str = include_str!("../typescript/package-lock.json");

/// The compiler, ready to run.
#[derive(Debug)]
pub(crate) struct TypeScript {
    program: PathBuf,
}

impl TypeScript {
    /// The compiler; gets it when it is not there yet.
    pub(crate) fn ensure(root: &Path) -> Result<Self> {
        system::ensure(system::TO_TYPE)?;
        let folder = cargo::target_directory(root)?.join("tools/typescript");
        let program = folder.join("node_modules/typescript/bin/tsc");
        // What npm writes last.
        let is_whole = folder.join("node_modules/.package-lock.json").is_file();
        let is_ours = fs::read_to_string(folder.join("package-lock.json")).is_ok_and(|lock| lock == LOCK);
        if !(is_whole && is_ours) {
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("package.json"), MANIFEST)?;
            fs::write(folder.join("package-lock.json"), LOCK)?;
            system::run(&folder, "npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
        }
        Ok(Self { program })
    }

    /// Runs it in `folder` and shows what it complains about.
    pub(crate) fn run(&self, folder: &Path, args: &[&str]) -> Result {
        let status = Command::new("node")
            .arg(&self.program)
            .args(args)
            .current_dir(folder)
            .status()?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("TypeScript finds faults in {} (see above)", folder.display()).into()),
        }
    }
}
