//! `cargo xtask dist`: the browser engine as a package for npm.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use crate::{Result, cargo, system, types};

/// What the package has beside the files that a server hands out: from where, and as what.
const EXTRAS: &[(&str, &str)] = &[
    ("crates/hst-web/npm/README.md", "README.md"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
];
const MANIFEST: &str = "crates/hst-web/npm/package.json";

/// The scripts that every page loads, and how large each may be once it is compressed. What not every page needs belongs
/// into a script of its own, which is loaded on demand.
const CORE: &[&str] = &["hst-rtc-engine.js", "hst-rtc-engine.mjs"];
const MAX_CORE: usize = 60_000;

/// Makes the package, packs it, and tries it out.
pub(crate) fn run(root: &Path) -> Result {
    system::ensure(system::TO_PACK)?;
    types::check(root)?;
    let npm = cargo::target_directory(root)?.join("dist/npm");
    if npm.exists() {
        fs::remove_dir_all(&npm)?;
    }
    let package = npm.join("hst-rtc-engine");
    fs::create_dir_all(&package)?;
    for asset in hst_web::assets() {
        if let Some(name) = asset.path.strip_prefix("/sdk/") {
            fs::write(package.join(name), &asset.body)?;
        }
    }
    for (from, name) in EXTRAS {
        fs::copy(root.join(from), package.join(name))?;
    }
    let manifest = manifest(&fs::read_to_string(root.join(MANIFEST))?)?;
    fs::write(package.join("package.json"), manifest)?;

    for script in CORE {
        let size = compressed(&fs::read(package.join(script))?)?;
        println!("dist: {script} has {size} bytes compressed, of at most {MAX_CORE}");
        if size > MAX_CORE {
            return Err(
                format!("{script} is too large: move what not every page needs into a script of its own").into(),
            );
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    system::run(&package, "npm", &["pack", "--silent", "--pack-destination", ".."])?;
    try_out(root, &npm.join(format!("hst-rtc-engine-{version}.tgz")))?;
    println!("dist: the package is in {}", npm.display());
    Ok(())
}

/// The manifest of the package, with the version of the workspace. It stays as it is written: the order of `exports`
/// counts.
fn manifest(template: &str) -> Result<String> {
    const NONE: &str = r#""version": "0.0.0""#;
    match template.contains(NONE) {
        true => Ok(template.replacen(NONE, concat!(r#""version": ""#, env!("CARGO_PKG_VERSION"), r#"""#), 1)),
        false => Err(format!("{MANIFEST} has no line {NONE}").into()),
    }
}

/// Installs the package into an application, evaluates both scripts, and compiles against the declarations.
fn try_out(root: &Path, package: &Path) -> Result {
    let application = package.with_file_name("application");
    fs::create_dir_all(&application)?;
    fs::write(
        application.join("package.json"),
        r#"{ "private": true, "type": "module" }"#,
    )?;
    let install = [
        "install",
        "--silent",
        "--offline",
        "--ignore-scripts",
        &package.to_string_lossy(),
    ];
    system::run(&application, "npm", &install)?;
    let script = "import HstRtcEngine, { HstRtcEngine as named } from 'hst-rtc-engine'; \
                  import 'hst-rtc-engine/hst-rtc-engine.js'; \
                  if (named !== HstRtcEngine || !globalThis.HstRtcEngine) throw new Error('an export is missing'); \
                  new HstRtcEngine().destroy();";
    system::run(&application, "node", &["--input-type=module", "--eval", script])?;
    types::try_package(root, &application)?;
    fs::remove_dir_all(&application)?;
    Ok(())
}

/// How many bytes a browser gets for these.
fn compressed(bytes: &[u8]) -> Result<usize> {
    let mut gzip = Command::new("gzip")
        .args(["--stdout", "-9"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = gzip.stdin.take().ok_or("gzip takes no input")?;
    // gzip writes while it reads: whoever writes all before he reads would wait for ever.
    let output = std::thread::scope(|scope| {
        let writing = scope.spawn(move || input.write_all(bytes));
        let output = gzip.wait_with_output();
        writing.join().map_err(|_| "writing to gzip failed").map(|_| output)
    })??;
    match output.status.success() {
        true => Ok(output.stdout.len()),
        false => Err(format!("gzip failed ({})", output.status).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_has_the_version_of_the_workspace() {
        let made = manifest(r#"{ "version": "0.0.0", "name": "n" }"#).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(made, format!(r#"{{ "version": "{version}", "name": "n" }}"#));
        assert!(manifest("{}").is_err());
    }

    #[test]
    fn what_is_the_same_over_and_over_is_small() {
        let size = compressed(&[b'a'; 1_000_000]).unwrap();
        assert!((10..2_000).contains(&size), "{size}");
    }
}
