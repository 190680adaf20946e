use std::sync::LazyLock;

use crate::bundle;

/// One file that a browser asks for.
#[derive(Debug)]
#[non_exhaustive]
pub struct Asset {
    /// Its path on the server, such as `/sdk/hst-rtc-engine.js`.
    pub path: &'static str,
    /// The value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The content.
    pub body: Vec<u8>,
    /// The value of the `ETag` header, with its quotes: another content has another one.
    pub etag: String,
}

/// The file of a path, if there is one. The path has no query and is compared as it is.
pub fn asset(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// All files.
pub fn assets() -> &'static [Asset] {
    &ASSETS
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    const HTML: &str = "text/html; charset=utf-8";
    const TEXT: &str = "text/plain; charset=utf-8";
    const JSON: &str = "application/json";
    let (classic, module) = (bundle::classic(), bundle::module());
    let (board, e2ee) = (bundle::board(), bundle::e2ee());
    let mut assets = page();
    assets.extend([
        file("/", HTML, include_str!("../page/index.html")),
        file("/sdk/hst-rtc-engine.js", SCRIPT, classic.text("hst-rtc-engine.js")),
        file("/sdk/hst-rtc-engine.js.map", JSON, classic.map("hst-rtc-engine.js")),
        file("/sdk/hst-rtc-engine.mjs", SCRIPT, module.text("hst-rtc-engine.mjs")),
        file("/sdk/hst-rtc-engine.mjs.map", JSON, module.map("hst-rtc-engine.mjs")),
        file("/sdk/hst-rtc-board.mjs", SCRIPT, board.text("hst-rtc-board.mjs")),
        file("/sdk/hst-rtc-board.mjs.map", JSON, board.map("hst-rtc-board.mjs")),
        file("/sdk/hst-rtc-e2ee.js", SCRIPT, e2ee.text("hst-rtc-e2ee.js")),
        file("/sdk/hst-rtc-e2ee.js.map", JSON, e2ee.map("hst-rtc-e2ee.js")),
        file("/sdk/hst-rtc-voice.js", SCRIPT, include_str!("../sdk/worklet/voice.js")),
        file(
            "/sdk/hst-rtc-engine.d.ts",
            TEXT,
            include_str!("../sdk/hst-rtc-engine.d.ts"),
        ),
    ]);
    assets
});

/// What the demo page is made of, each file under its own name.
fn page() -> Vec<Asset> {
    macro_rules! files {
        ($($name:literal),* $(,)?) => {
            vec![$(file(concat!("/page/", $name), type_of($name), include_str!(concat!("../page/", $name)))),*]
        };
    }
    files![
        "bars.js",
        "board.css",
        "board_tools.js",
        "boards.js",
        "call.js",
        "chat.js",
        "chevron.svg",
        "choice.js",
        "confirm.js",
        "dialogs.css",
        "dom.js",
        "icon.svg",
        "icons.svg",
        "invites.js",
        "layout.js",
        "lobby.css",
        "lobby.js",
        "main.js",
        "names.js",
        "page.css",
        "panels.css",
        "panels.js",
        "people.js",
        "presence.js",
        "preview.js",
        "quality.js",
        "ringing.js",
        "room.css",
        "room.js",
        "session.js",
        "settings.js",
        "shortcuts.js",
        "stage.js",
        "store.js",
        "text.js",
        "text_en.js",
        "text_zh.js",
        "tile.js",
        "tiles.css",
        "tiles.js",
        "toasts.js",
        "tone.js",
        "wake.js",
    ]
}

fn type_of(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "js")) => SCRIPT,
        Some((_, "css")) => "text/css; charset=utf-8",
        _ => "image/svg+xml",
    }
}

fn file(path: &'static str, content_type: &'static str, body: impl Into<String>) -> Asset {
    let body = body.into().into_bytes();
    let etag = format!("\"{:016x}\"", fnv1a(&body));
    Asset {
        path,
        content_type,
        body,
        etag,
    }
}

/// FNV-1a, 64 bits: tells versions of our own files apart, which need no cryptography.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
