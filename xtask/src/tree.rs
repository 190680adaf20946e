//! The project's files.

use std::{collections::BTreeSet, fs, path::Path};

use crate::Result;

/// Folders that are not the project's text, besides those that begin with a dot.
const SKIPPED: &[&str] = &["target", "node_modules"];
/// Hidden folders that are.
const KEPT: &[&str] = &[".cargo", ".ci", ".config", ".github"];

/// One text file.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path from the root, with `/` on every system.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl File {
    /// The end of its name behind the last dot.
    pub(crate) fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

/// All files of the project, in the order of their paths.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Those that hold text.
    pub files: Vec<File>,
    /// Every file and folder, whatever it holds.
    pub paths: BTreeSet<String>,
}

impl Tree {
    /// Reads the folder `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.walk(root, "")?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    fn walk(&mut self, folder: &Path, prefix: &str) -> Result {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            let hidden = name.starts_with('.') && !KEPT.contains(&name.as_str());
            if kind.is_dir() && !hidden && !SKIPPED.contains(&name.as_str()) {
                self.walk(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file()
                && let Ok(text) = String::from_utf8(fs::read(entry.path())?)
            {
                self.files.push(File {
                    path: path.clone(),
                    text,
                });
            }
            self.paths.insert(path);
        }
        Ok(())
    }

    /// The text of the file at `path`.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        let file = self.files.iter().find(|file| file.path == path)?;
        Some(&file.text)
    }

    /// The names of the folders in `crates`.
    pub(crate) fn crates(&self) -> BTreeSet<&str> {
        let manifest = |path: &'_ String| path.starts_with("crates/") && path.ends_with("/Cargo.toml");
        let manifests = self.paths.iter().filter(|path| manifest(path));
        manifests.filter_map(|path| path.split('/').nth(1)).collect()
    }
}

#[cfg(test)]
impl Tree {
    /// A tree of these paths and texts.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for &(path, text) in files {
            tree.paths
                .extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
            tree.paths.insert(path.to_owned());
            tree.files.push(File {
                path: path.to_owned(),
                text: text.to_owned(),
            });
        }
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_without_what_was_built_and_what_is_hidden() {
        let root = std::env::temp_dir().join(format!("xtask-tree-{}", std::process::id()));
        for (path, bytes) in [
            ("crates/a/Cargo.toml", &b"[package]"[..]),
            ("film.ivf", b"\xff\xfe"),
            ("target/debug/x.rs", b"built"),
            (".git/config", b"hidden"),
            (".ci/run", b"kept"),
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let tree = Tree::read(&root).unwrap();
        fs::remove_dir_all(&root).unwrap();

        let texts: Vec<_> = tree.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(texts, [".ci/run", "crates/a/Cargo.toml"]);
        assert!(
            tree.paths.contains("film.ivf"),
            "a binary file is there, but has no text"
        );
        assert_eq!(tree.crates().into_iter().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn the_extension_is_that_of_the_name() {
        let file = |path: &str| File {
            path: path.to_owned(),
            text: String::new(),
        };
        assert_eq!(file("a.b/run").extension(), "");
        assert_eq!(file("a/b.d.ts").extension(), "ts");
    }
}
