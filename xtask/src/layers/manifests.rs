//! What the crates' manifests say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::Result;

/// The crates of the folder `crates`. The test house and this program may lean on whom they like.
#[derive(Debug)]
pub(super) struct Manifests {
    pub crates: BTreeMap<String, Dependencies>,
}

/// The normal dependencies of one crate; those for tests and build scripts do not count.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    /// Crates of this workspace.
    pub rooms: BTreeSet<String>,
    /// All others.
    pub outside: BTreeSet<String>,
}

impl Manifests {
    /// Reads what `cargo metadata --no-deps` prints.
    pub(super) fn parse(metadata: &Value) -> Result<Self> {
        let unreadable = || "`cargo metadata` prints something that I cannot read";
        let packages = metadata["packages"].as_array().ok_or_else(unreadable)?;
        let mut crates = BTreeMap::new();
        for package in packages {
            let name = package["name"].as_str().ok_or_else(unreadable)?;
            let manifest = package["manifest_path"].as_str().ok_or_else(unreadable)?;
            if manifest
                .replace('\\', "/")
                .ends_with(&format!("/crates/{name}/Cargo.toml"))
            {
                let dependencies = package["dependencies"].as_array().ok_or_else(unreadable)?;
                crates.insert(name.to_owned(), Dependencies::parse(dependencies));
            }
        }
        Ok(Self { crates })
    }
}

impl Dependencies {
    fn parse(dependencies: &[Value]) -> Self {
        let mut own = Self::default();
        for dependency in dependencies.iter().filter(|dependency| dependency["kind"].is_null()) {
            let Some(name) = dependency["name"].as_str() else {
                continue;
            };
            let side = match dependency["path"].is_string() {
                true => &mut own.rooms,
                false => &mut own.outside,
            };
            side.insert(name.to_owned());
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_normal_dependencies_of_the_folder_crates_count() {
        let dependencies = json!([
            { "name": "hst-b", "kind": null, "path": "/w/crates/hst-b" },
            { "name": "bytes", "kind": null },
            { "name": "hst-c", "kind": "dev", "path": "/w/crates/hst-c" },
            { "name": "cc", "kind": "build" },
        ]);
        let package = |path: &str| json!({ "name": "hst-a", "manifest_path": path, "dependencies": dependencies });
        let read = |path| {
            Manifests::parse(&json!({ "packages": [package(path)] }))
                .unwrap()
                .crates
        };

        let own = &read("/w/crates/hst-a/Cargo.toml")["hst-a"];
        assert_eq!(own.rooms.iter().collect::<Vec<_>>(), ["hst-b"]);
        assert_eq!(own.outside.iter().collect::<Vec<_>>(), ["bytes"]);
        assert!(read("/w/tests/Cargo.toml").is_empty());
    }
}
