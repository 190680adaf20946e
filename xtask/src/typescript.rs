//! The TypeScript compiler.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Result, npm, system};

/// The compiler, ready to run.
#[derive(Debug)]
pub(crate) struct TypeScript {
    program: PathBuf,
}

impl TypeScript {
    /// The compiler; gets it when it is not there yet.
    pub(crate) fn ensure(root: &Path) -> Result<Self> {
        system::ensure(system::TO_TYPE)?;
        let program = npm::TYPESCRIPT.ensure(root)?.join("node_modules/typescript/bin/tsc");
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
