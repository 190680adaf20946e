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

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    const HTML: &str = "text/html; charset=utf-8";
    const CSS: &str = "text/css; charset=utf-8";
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    const TEXT: &str = "text/plain; charset=utf-8";
    const SVG: &str = "image/svg+xml";
    const JSON: &str = "application/json";
    let (classic, module, board) = (bundle::classic(), bundle::module(), bundle::board());
    vec![
        file("/", HTML, include_str!("../page/index.html")),
        file("/page/page.css", CSS, include_str!("../page/page.css")),
        file("/page/room.css", CSS, include_str!("../page/room.css")),
        file("/page/icon.svg", SVG, include_str!("../page/icon.svg")),
        file("/page/main.js", SCRIPT, include_str!("../page/main.js")),
        file("/page/call.js", SCRIPT, include_str!("../page/call.js")),
        file("/page/tiles.js", SCRIPT, include_str!("../page/tiles.js")),
        file("/page/chat.js", SCRIPT, include_str!("../page/chat.js")),
        file("/page/names.js", SCRIPT, include_str!("../page/names.js")),
        file("/page/text.js", SCRIPT, include_str!("../page/text.js")),
        file("/sdk/hst-rtc-engine.js", SCRIPT, classic.text("hst-rtc-engine.js")),
        file("/sdk/hst-rtc-engine.js.map", JSON, classic.map("hst-rtc-engine.js")),
        file("/sdk/hst-rtc-engine.mjs", SCRIPT, module.text("hst-rtc-engine.mjs")),
        file("/sdk/hst-rtc-engine.mjs.map", JSON, module.map("hst-rtc-engine.mjs")),
        file("/sdk/hst-rtc-board.mjs", SCRIPT, board.text("hst-rtc-board.mjs")),
        file("/sdk/hst-rtc-board.mjs.map", JSON, board.map("hst-rtc-board.mjs")),
        file("/sdk/hst-rtc-voice.js", SCRIPT, include_str!("../sdk/worklet/voice.js")),
        file(
            "/sdk/hst-rtc-engine.d.ts",
            TEXT,
            include_str!("../sdk/hst-rtc-engine.d.ts"),
        ),
    ]
});

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
