//! What a server hands to browsers.

use std::{
    io::Write,
    process::{Command, Stdio},
};

fn text(path: &str) -> &'static str {
    let asset = hst_web::asset(path).unwrap_or_else(|| panic!("{path} is an asset"));
    std::str::from_utf8(&asset.body).expect("assets are texts")
}

#[test]
fn every_asset_is_found_by_its_path_and_has_an_etag_of_its_own() {
    let mut etags: Vec<_> = hst_web::assets().iter().map(|asset| &asset.etag).collect();
    let count = etags.len();
    etags.sort();
    etags.dedup();
    assert_eq!(etags.len(), count);
    for asset in hst_web::assets() {
        let found = hst_web::asset(asset.path).unwrap();
        assert_eq!(found.etag, asset.etag);
        assert!(!found.body.is_empty(), "{} is empty", asset.path);
    }
}

#[test]
fn other_paths_are_no_assets() {
    for path in [
        "",
        "/index.html",
        "/sdk/",
        "/sdk/engine.js",
        "/page/../sdk/hst-rtc-engine.js",
    ] {
        assert!(hst_web::asset(path).is_none(), "{path}");
    }
}

#[test]
fn the_page_asks_only_for_what_is_there() {
    let page = text("/");
    let asked: Vec<_> = page
        .split(['"', '\''])
        .filter(|word| word.starts_with("/sdk/") || word.starts_with("/page/"))
        .collect();
    assert!(asked.contains(&"/sdk/hst-rtc-engine.js"));
    for path in asked {
        // An icon is a part of its file.
        let file = path.split('#').next().unwrap();
        assert!(hst_web::asset(file).is_some(), "{path}");
    }
    for script in hst_web::assets()
        .iter()
        .filter(|asset| asset.path.starts_with("/page/") && asset.path.ends_with(".js"))
    {
        for line in text(script.path).lines().filter(|line| line.starts_with("import ")) {
            let name = line.split('\'').nth(1).unwrap().trim_start_matches("./");
            assert!(hst_web::asset(&format!("/page/{name}")).is_some(), "{line}");
        }
    }
}

#[test]
fn the_page_names_no_style_or_script_that_a_strict_policy_would_refuse() {
    let page = text("/");
    for forbidden in ["style=\"", "<style", "onclick=", "javascript:"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert_eq!(
        page.matches("<script").count(),
        page.matches("<script src").count() + page.matches("<script type=\"module\" src").count()
    );
}

#[test]
fn the_classic_script_has_nothing_of_a_module_left() {
    let script = text("/sdk/hst-rtc-engine.js");
    assert!(!script.contains("import.meta"));
    assert!(script.contains("globalThis.HstRtcEngine = "));
    assert!(script.contains("document?.currentScript?.src"));
    for line in script.lines() {
        let start = line.trim_start();
        assert!(!start.starts_with("import ") && !start.starts_with("export "), "{line}");
    }
}

#[test]
fn the_module_exports_the_engine_and_nothing_else() {
    let script = text("/sdk/hst-rtc-engine.mjs");
    let exports: Vec<_> = script.lines().filter(|line| line.starts_with("export ")).collect();
    assert_eq!(
        exports,
        [
            "export const { HstRtcEngine } = modules.classic;",
            "export default HstRtcEngine;"
        ]
    );
    assert_eq!(script.matches("import.meta.url").count(), 1);
    assert!(!script.lines().any(|line| line.starts_with("import ")));
}

/// Needs `node`, which `cargo xtask test` installs where it can; the browser tests evaluate the classic script anyway.
#[test]
fn both_scripts_define_the_engine() {
    for (path, kind) in [
        ("/sdk/hst-rtc-engine.js", "commonjs"),
        ("/sdk/hst-rtc-engine.mjs", "module"),
    ] {
        let node = Command::new("node")
            .args([&format!("--input-type={kind}"), "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut node) = node else {
            println!("node is not installed: {path} was not evaluated");
            return;
        };
        let script = format!("{}\nnew HstRtcEngine().destroy();\n", text(path));
        node.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = node.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
