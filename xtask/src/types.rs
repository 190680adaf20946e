//! `cargo xtask types`: the JavaScript of the browser engine and of the demo page holds what its comments say, and the
//! engine's declarations for TypeScript are made of them.

use std::{fs, io, path::Path};

use crate::{Result, cargo, source::has_word, typescript::TypeScript};

/// The declarations, which are kept beside the modules so that a server can hand them out without a compiler.
const DECLARATIONS: &str = "crates/hst-web/sdk/hst-rtc-engine.d.ts";
/// The modules and their `tsconfig.json`.
const ENGINE: &str = "crates/hst-web";
/// The demo page, which uses the engine as any application does.
const PAGE: &str = "crates/hst-web/page";
/// Applications that have to compile against the declarations.
const APPLICATIONS: &str = "crates/hst-web/tests/types";

const HEAD: &str =
    "// Made by `cargo xtask types --bless` of the comments in the engine's modules: change them, and never this.\n\n";

/// What the compiler cannot know: the default export, and the global of the classic script.
const TAIL: &str = "
export default HstRtcEngine;

declare global {
    interface Window {
        /** Defined by the classic script `hst-rtc-engine.js`. */
        HstRtcEngine: typeof HstRtcEngine;
    }
}
";

/// Holds the modules against their comments, the declarations against the modules, and page and applications against
/// both.
pub(crate) fn check(root: &Path) -> Result {
    let compiler = TypeScript::ensure(root)?;
    let made = declarations(root, &compiler)?;
    let kept = fs::read_to_string(root.join(DECLARATIONS)).unwrap_or_default();
    if made != kept.replace('\r', "") {
        return Err(format!("{DECLARATIONS} is not of this engine any more: run `cargo xtask types --bless`").into());
    }
    for user in [PAGE, APPLICATIONS] {
        compiler.run(&root.join(user), &["--project", "."])?;
    }
    println!("types: all is well");
    Ok(())
}

/// Makes the declarations anew.
pub(crate) fn bless(root: &Path) -> Result {
    let compiler = TypeScript::ensure(root)?;
    fs::write(root.join(DECLARATIONS), declarations(root, &compiler)?)?;
    println!("types: {DECLARATIONS} is made");
    check(root)
}

/// Holds the same applications against the package that is installed in `folder`.
pub(crate) fn try_package(root: &Path, folder: &Path) -> Result {
    let mut sources = Vec::new();
    for file in fs::read_dir(root.join(APPLICATIONS))? {
        let path = file?.path();
        if let Some(name) = path
            .file_name()
            .filter(|_| path.extension().is_some_and(|end| end == "ts"))
        {
            fs::copy(&path, folder.join(name))?;
            sources.push(name.to_string_lossy().into_owned());
        }
    }
    let options = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext"];
    let args: Vec<&str> = options.into_iter().chain(sources.iter().map(String::as_str)).collect();
    TypeScript::ensure(root)?.run(folder, &args)
}

fn declarations(root: &Path, compiler: &TypeScript) -> Result<String> {
    let folder = cargo::target_directory(root)?.join("tools/declarations");
    let options = [
        "--noEmit",
        "false",
        "--declaration",
        "--emitDeclarationOnly",
        "--outDir",
    ];
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let out = folder.to_string_lossy();
    compiler.run(
        &root.join(ENGINE),
        &[&["--project", "."], &options[..], &[&*out]].concat(),
    )?;
    let read = |module: &str| fs::read_to_string(folder.join(format!("{module}.d.ts")));
    Ok(format!("{HEAD}{}{TAIL}", joined(&entry(&folder)?, read)?))
}

/// The module that has the class.
fn entry(folder: &Path) -> Result<String> {
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        if fs::read_to_string(&path)?.contains("export class HstRtcEngine ") {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            return Ok(name.trim_end_matches(".d.ts").to_owned());
        }
    }
    Err("no module of the engine exports `class HstRtcEngine`".into())
}

/// One file of the declarations that those of `entry` lean on, each behind those that it imports.
fn joined(entry: &str, read: impl Fn(&str) -> io::Result<String>) -> Result<String> {
    let (mut seen, mut parts) = (Vec::new(), Vec::new());
    visit(entry, &read, &mut seen, &mut parts)?;
    Ok(parts.join("\n"))
}

fn visit(
    module: &str,
    read: &impl Fn(&str) -> io::Result<String>,
    seen: &mut Vec<String>,
    parts: &mut Vec<String>,
) -> Result {
    if seen.iter().any(|earlier| earlier == module) {
        return Ok(());
    }
    seen.push(module.to_owned());
    let text = read(module)?.replace('\r', "");
    let body = body(&text);
    for import in imports(&text, &body) {
        visit(import, read, seen, parts)?;
    }
    parts.push(body.lines().map(|line| delivered(line) + "\n").collect());
    Ok(())
}

/// What an application sees: no imports, and no members that are marked `@internal`.
fn body(text: &str) -> String {
    let mut body = String::new();
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("/**") {
        let (comment, after) = comment.split_once("*/").unwrap_or((comment, ""));
        body.push_str(before);
        rest = if comment.contains("@import") {
            after.trim_start()
        } else if comment.contains("@internal") {
            after.split_once(";\n").map_or("", |(_, next)| next.trim_start())
        } else {
            body.push_str(&format!("/**{comment}*/"));
            after
        };
    }
    body.push_str(rest);
    body.lines()
        .filter(|line| !line.starts_with("import "))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The modules whose names the body has, from `import type { A } from './a.js'` and `import("./a.js").A`.
fn imports<'a>(text: &'a str, body: &'a str) -> impl Iterator<Item = &'a str> {
    let statements = text.lines().filter(|line| line.starts_with("import "));
    let stated = statements.filter_map(|line| {
        let (name, module) = line.split_once("{ ")?.1.split_once(" } from './")?;
        has_word(body, name).then_some(module.strip_suffix(".js';")?)
    });
    let inline = body
        .split(INLINE)
        .skip(1)
        .filter_map(|rest| rest.split_once(".js\").").map(|(module, _)| module));
    stated.chain(inline)
}

const INLINE: &str = "import(\"./";

/// A line as it stands in the one file. The scripts export one class, and no other can be imported.
fn delivered(line: &str) -> String {
    let mut parts = line.split(INLINE);
    let first = parts.next().unwrap_or_default();
    let names = parts.map(|part| part.split_once(".js\").").map_or(part, |(_, name)| name));
    let line: String = [first].into_iter().chain(names).collect();
    match line.strip_prefix("export class ") {
        Some(class) if !class.starts_with("HstRtcEngine ") => format!("declare class {class}"),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(module: &str) -> io::Result<String> {
        let text = match module {
            "engine" => {
                "/**\n * @import { A } from './a.js'\n */\n/** E. */\nexport class HstRtcEngine extends B {\n    /** @internal */\n    constructor(d: D);\n    a: A;\n    c(): import(\"./c.js\").C | null;\n}\n\
                 import { B } from './b.js';\nimport type { A } from './a.js';\nimport type { D } from './d.js';\n"
            }
            "b" => "export class B {\n    a: A;\n}\nimport type { A } from './a.js';\n",
            "a" => "export type A = 1;\n",
            "c" => "export type C = 2;\n",
            _ => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(text.to_owned())
    }

    #[test]
    fn what_leans_on_each_other_becomes_one_file() {
        assert_eq!(
            joined("engine", read).unwrap(),
            "export type A = 1;\n\ndeclare class B {\n    a: A;\n}\n\nexport type C = 2;\n\n\
             /** E. */\nexport class HstRtcEngine extends B {\n    a: A;\n    c(): C | null;\n}\n"
        );
    }

    #[test]
    fn a_module_that_is_not_there_is_no_empty_one() {
        assert!(joined("d", read).is_err());
    }
}
